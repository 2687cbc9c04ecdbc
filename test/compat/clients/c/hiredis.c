/* hiredis: hiredis PORT NAME. Takes the steps of the other programs, and reports `ok STEP` or `no STEP reason`. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *port, *name;

static redisContext *connect_as(const char *group) {
  redisContext *c = redisConnect("127.0.0.1", atoi(port));
  freeReplyObject(redisCommand(c, "CLIENT SETNAME %s-%s:c", name, group));
  return c;
}

static void report(const char *step, int is_fine, redisContext *c, redisReply *reply) {
  if (is_fine) printf("ok %s\n", step);
  else printf("no %s %s\n", step, c && c->err ? c->errstr : reply && reply->str ? reply->str : "another reply");
  fflush(stdout);
  if (reply) freeReplyObject(reply);
}

static int is_number(const redisReply *reply, long long wanted) {
  return reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == wanted;
}

/* Ten replies of 1. */
static int are_ones(const redisReply *reply, size_t count) {
  if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != count) return 0;
  for (size_t at = 0; at < count; at++)
    if (!is_number(reply->element[at], 1)) return 0;
  return 1;
}

/* `topic:partition:offset` of Rafka's eight elements. */
static int position(const redisReply *reply, char *into, size_t size) {
  if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 8) return 0;
  redisReply **e = reply->element;
  if (e[3]->type == REDIS_REPLY_INTEGER) snprintf(into, size, "%s:%lld:%lld", e[1]->str, e[3]->integer, e[5]->integer);
  else snprintf(into, size, "%s:%s:%s", e[1]->str, e[3]->str, e[5]->str);
  return strcmp(e[7]->str, "hello") == 0;
}

static void blpop(const char *step, const char *shape) {
  redisContext *c = connect_as(step);
  char at[200];
  freeReplyObject(redisCommand(c, "RPUSHX topics:%s-%s hello", name, step));
  redisReply *reply = redisCommand(c, "BLPOP topics:%s-%s%s 20", name, step, shape);
  if (strstr(shape, "pair")) {
    report(step, reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && !strcmp(reply->element[1]->str, "hello"), c, reply);
  } else {
    int is_fine = position(reply, at, sizeof at);
    freeReplyObject(reply);
    reply = is_fine ? redisCommand(c, "RPUSH acks %s", at) : NULL;
    report(step, is_number(reply, 1), c, reply);
  }
  redisFree(c);
}

static void exactly_once(void) {
  redisContext *c = connect_as("in");
  char at[200] = "";
  freeReplyObject(redisCommand(c, "RPUSHX topics:%s-in hello", name));
  redisReply *reply = redisCommand(c, "BLPOP topics:%s-in 20", name);
  position(reply, at, sizeof at);
  freeReplyObject(reply);
  freeReplyObject(redisCommand(c, "MULTI"));
  freeReplyObject(redisCommand(c, "RPUSHX topics:%s-out done", name));
  freeReplyObject(redisCommand(c, "RPUSH acks %s", at));
  reply = redisCommand(c, "EXEC");
  report("exactly-once", are_ones(reply, 2), c, reply);
  redisFree(c);
}

static void stream(redisContext *c) {
  redisReply *id = redisCommand(c, "XADD %s-stream * field hello", name);
  freeReplyObject(redisCommand(c, "XGROUP CREATE %s-stream g 0", name));
  freeReplyObject(redisCommand(c, "XREADGROUP GROUP g c COUNT 10 BLOCK 10000 STREAMS %s-stream >", name));
  redisReply *reply = redisCommand(c, "XACK %s-stream g %s", name, id->str);
  report("stream", is_number(reply, 1), c, reply);
  freeReplyObject(id);
}

static void pubsub(redisContext *c) {
  redisContext *listener = connect_as("listener");
  redisReply *reply = NULL;
  freeReplyObject(redisCommand(listener, "SUBSCRIBE %s-channel", name));
  freeReplyObject(redisCommand(c, "PUBLISH %s-channel hello", name));
  redisGetReply(listener, (void **)&reply);
  report("pubsub", reply && reply->elements == 3 && !strcmp(reply->element[2]->str, "hello"), listener, reply);
  redisFree(listener);
}

int main(int count, char **args) {
  if (count < 3) return 2;
  port = args[1], name = args[2];
  printf("version %d.%d.%d\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
  redisContext *c = connect_as("main");
  redisReply *reply = redisCommand(c, "PING");
  report("connect", reply && !strcmp(reply->str, "PONG"), c, reply);
  reply = redisCommand(c, "RPUSHX topics:%s-a hello", name);
  report("rpushx", is_number(reply, 1), c, reply);
  freeReplyObject(redisCommand(c, "RPUSHX topics:%s-a hello", name));
  int waits = is_number(redisCommand(c, "WAIT 1 10000"), 1);
  reply = redisCommand(c, "DUMP 10000");
  report("wait", waits && is_number(reply, 0), c, reply);
  int ones = 0;
  for (int n = 0; n < 10; n++) redisAppendCommand(c, "RPUSHX topics:%s-pipe %d", name, n);
  for (int n = 0; n < 10; n++) {
    redisGetReply(c, (void **)&reply);
    ones += is_number(reply, 1);
    freeReplyObject(reply);
  }
  report("pipeline", ones == 10, c, NULL);
  freeReplyObject(redisCommand(c, "MULTI"));
  for (int n = 0; n < 10; n++) freeReplyObject(redisCommand(c, "RPUSHX topics:%s-multi %d", name, n));
  reply = redisCommand(c, "EXEC");
  report("multi", are_ones(reply, 10), c, reply);
  blpop("blpop", "");
  blpop("strings", ":{\"rafka.reply\":\"strings\"}");
  blpop("pair", ":{\"rafka.reply\":\"pair\"}");
  exactly_once();
  stream(c);
  pubsub(c);
  reply = redisCommand(c, "CLIENT ID");
  long long id = reply->integer;
  freeReplyObject(reply);
  freeReplyObject(redisCommand(c, "CLIENT KILL ID %lld SKIPME no", id));
  reply = redisCommand(c, "PING");
  if (!reply) redisReconnect(c), reply = redisCommand(c, "PING");
  report("reconnect", reply && !strcmp(reply->str, "PONG"), c, reply);
  redisFree(c);
  report("close", 1, NULL, NULL);
  return 0;
}
