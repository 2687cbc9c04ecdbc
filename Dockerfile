# Stage 1: everything that builds. None of it is in the final image.
FROM node:24-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 make g++ libssl-dev zlib1g-dev libzstd-dev libsasl2-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# The native build (about 4 minutes) is done anew only when one of these changes.
COPY package.json package-lock.json .npmrc ./
COPY scripts scripts
COPY patches patches
COPY native native
RUN RAFKA_CACHE=/tmp/rafka node scripts/setup.mjs --no-compile && rm -rf /tmp/rafka
COPY tsconfig.json ./
COPY src src
RUN node scripts/compile.mjs && rm dist/.tsbuildinfo
# What run time needs of the packages: no development tools, no sources of librdkafka and its binding (their licences stay).
WORKDIR /runtime
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev \
 && cd node_modules && rm -rf nan && cd node-rdkafka \
 && rm -rf src e2e test bench examples ci util cpplint.py \
 && find deps -type f ! -name 'LICENSE*' -delete && find deps -type d -empty -delete \
 && cp -r /app/node_modules/node-rdkafka/lib/binding lib/

# Stage 2: Node, the shared libraries that librdkafka links to, and the gateway.
FROM node:24-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3 libzstd1 zlib1g libsasl2-2 libsasl2-modules \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /runtime/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY bin bin
ARG VERSION=1.1.0
LABEL org.opencontainers.image.title="Rafka" \
      org.opencontainers.image.description="A gateway that speaks Redis, REST and gRPC and stores messages in Kafka" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# Any user may run it, with a read-only root: it writes no files.
USER node
# RESP, gRPC, REST, operations (health, metrics, console).
EXPOSE 6380 19091 19092 19094
STOPSIGNAL SIGTERM
# Of whichever job this container runs: it is found among the processes, with its flags.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --start-interval=2s CMD ["/app/bin/rafka", "health"]
ENTRYPOINT ["/app/bin/rafka"]
