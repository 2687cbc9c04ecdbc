"""A client generated from kafkapixy.proto with grpcio-tools against the gRPC face: every RPC once, the reference loop, refusals.

python kafka_pixy.py HOST:PORT TOPIC [CA.pem]   (pip install grpcio grpcio-tools; the topic has one partition)
"""
import importlib
import os
import sys
import tempfile

import grpc
from grpc_tools import protoc

here = os.path.dirname(os.path.abspath(__file__))
proto_dir = os.path.join(here, "../../../src/grpc")
out = tempfile.mkdtemp()
if protoc.main(["protoc", f"-I{proto_dir}", f"--python_out={out}", f"--grpc_python_out={out}", "kafkapixy.proto"]) != 0:
    sys.exit("protoc failed")
sys.path.insert(0, out)
pb = importlib.import_module("kafkapixy_pb2")
stubs = importlib.import_module("kafkapixy_pb2_grpc")

address, topic = sys.argv[1:3]
if len(sys.argv) > 3:
    with open(sys.argv[3], "rb") as ca:
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(ca.read()))
else:
    channel = grpc.insecure_channel(address)
pixy = stubs.KafkaPixyStub(channel)
group = f"python-{os.getpid()}"


def refused(code, call, *args):
    try:
        call(*args, timeout=20)
    except grpc.RpcError as error:
        assert error.code() == code, (error.code(), error.details())
        return error.details()
    raise AssertionError(f"not refused: {call} {args}")


end = pixy.GetOffsets(pb.GetOffsetsRq(topic=topic, group=group), timeout=20).offsets[0].end
pixy.SetOffsets(pb.SetOffsetsRq(topic=topic, group=group, offsets=[pb.PartitionOffset(partition=0, offset=end)]), timeout=20)

header = pb.RecordHeader(key="trace", value=bytes(range(256)))
first = pixy.Produce(pb.ProdRq(topic=topic, key_value=b"k", message=b"m0", headers=[header]), timeout=20)
assert (first.partition, first.offset) == (0, end), first
for n in range(1, 5):
    queued = pixy.Produce(pb.ProdRq(topic=topic, key_undefined=True, message=b"m%d" % n, async_mode=True), timeout=20)
    assert (queued.partition, queued.offset) == (-1, -1), queued

# Kafka-Pixy's reference loop: nothing to ack at first, then each call acks what the one before has brought.
got = []
request = pb.ConsNAckRq(topic=topic, group=group, no_ack=True)
while len(got) < 5:
    try:
        message = pixy.ConsumeNAck(request, timeout=20)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        continue
    got.append(message)
    request = pb.ConsNAckRq(topic=topic, group=group, ack_partition=message.partition, ack_offset=message.offset)
assert [m.message for m in got] == [b"m0", b"m1", b"m2", b"m3", b"m4"], got
assert got[0].key_value == b"k" and not got[0].key_undefined and got[1].key_undefined
assert got[0].headers[0] == header, got[0].headers
before_ack = pixy.GetOffsets(pb.GetOffsetsRq(topic=topic, group=group), timeout=20).offsets[0]
assert before_ack.lag == 1, before_ack
pixy.Ack(pb.AckRq(topic=topic, group=group, partition=0, offset=got[-1].offset), timeout=20)
after_ack = pixy.GetOffsets(pb.GetOffsetsRq(topic=topic, group=group), timeout=20).offsets[0]
assert after_ack.lag == 0 and after_ack.offset == end + 5, after_ack

members = pixy.ListConsumers(pb.ListConsumersRq(topic=topic, group=group), timeout=20).groups[group].consumers
assert [list(member.partitions) for member in members.values()] == [[0]], members
assert topic in pixy.ListTopics(pb.ListTopicRq(), timeout=20).topics
metadata = pixy.GetTopicMetadata(pb.GetTopicMetadataRq(topic=topic, with_partitions=True), timeout=20)
assert metadata.version == 1 and len(metadata.partitions) == 1 and metadata.partitions[0].leader >= 0, metadata

code = grpc.StatusCode
refused(code.NOT_FOUND, pixy.ConsumeNAck, pb.ConsNAckRq(topic=topic, group=group, auto_ack=True))
refused(code.NOT_FOUND, pixy.GetOffsets, pb.GetOffsetsRq(topic="no-such-topic", group=group))
refused(code.INVALID_ARGUMENT, pixy.Produce, pb.ProdRq(cluster="nope", topic=topic))
refused(code.INVALID_ARGUMENT, pixy.Ack, pb.AckRq(topic=topic, group=group, partition=-1))
refused(code.RESOURCE_EXHAUSTED, pixy.Produce, pb.ProdRq(topic=topic, message=bytes(2**20)))
print(f"{len(got)} consumed, every RPC answered")
