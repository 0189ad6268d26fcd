from __future__ import annotations

from chatproto.storage.broker import LocalBroker


def test_message_reaches_subscribers_of_its_topic():
    broker, got = LocalBroker(), []
    broker.subscribe("a", lambda message: got.append((1, message)))
    broker.subscribe("a", lambda message: got.append((2, message)))
    broker.subscribe("b", lambda message: got.append((3, message)))
    broker.publish("a", {"n": 1})
    broker.publish("nobody", {"n": 2})
    assert got == [(1, {"n": 1}), (2, {"n": 1})]


def test_subscribed_while_published_gets_the_next():
    broker, got = LocalBroker(), []

    def receive(message):
        got.append(message)
        broker.subscribe("a", got.append)

    broker.subscribe("a", receive)
    broker.publish("a", {"n": 1})
    assert got == [{"n": 1}]
