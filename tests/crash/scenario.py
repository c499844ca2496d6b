"""The scenario that is recorded: all that writes to a token's store, some of it several times.

`host` starts and stops the token; `client` makes the calls.
"""

import itertools

from rig.certificates import generate
from rig.constructs import property_bag

PUK = b"0123456789"
NONE, SHARED, SIGNATURE_STANDARD, UNIQUE = range(4)
BAG, HIDDEN, LOGO, LONG = "http://bag", "http://hidden", "http://logo", "http://long"
BY_PIN, BY_PUK = 1, 2
PUK_LIMIT = 6
PREFIX = "https://webpki.github.io/sks/algorithm#"
_numbers = itertools.count()


def several(client, kmk=None, count=3, **policy):
    """An enrolment: keys under one PIN policy with a PUK; returns their handles."""
    session = client.open_session(kmk)
    puk = client.puk(session, PUK, PUK_LIMIT)
    pin = client.pin(session, puk, **{"grouping": SHARED, "retryLimit": 4, **policy})
    keys = [client.key(session, "Key.%d" % number, pin, b"4711", deleteProtection=BY_PIN,
                       friendlyName="number %d" % number) for number in range(count)]
    client.close(session)
    return [key.handle for key in keys]


def rich(client, kmk, data):
    """An enrolment with everything that can be in a key."""
    session = client.open_session(kmk)
    puk = client.puk(session, PUK, PUK_LIMIT)
    preset = client.pin(session, puk, id="PIN.preset", userDefined=False,
                        grouping=SIGNATURE_STANDARD)
    own = client.pin(session, id="PIN.own", grouping=UNIQUE, retryLimit=5)
    bag = client.key(session, "Bag", preset, b"8642", exportProtection=BY_PIN)
    client.extend(session, bag, BAG, property_bag(("n", True, "one"), ("fixed", False, "f")), 2)
    client.extend(session, bag, HIDDEN, b"hidden data", 1)
    client.extend(session, bag, LOGO, b"\x89PNG", 3, "image/png")
    client.extend(session, bag, LONG, data)
    secret = client.key(session, "Secret", own, b"5555", exportProtection=0, appUsage=1)
    client.import_symmetric(session, secret, bytes(range(32)))
    private = generate()
    imported = client.key(session, "Imported", own, b"6666", certified=False, appUsage=2,
                          deleteProtection=BY_PIN)
    client.certify(session, imported, private.public_key())
    client.import_private(session, imported, private)
    bare = client.key(session, "Bare", exportProtection=0)
    once = client.pin(session, id="PIN.once", retryLimit=1)
    once = client.key(session, "Once", once, b"1212")
    client.close(session)
    return [key.handle for key in (bag, secret, imported, bare, once)]


def founding(client):
    """An enrolment of the 2010 profile: keys with PINs and counters of their own."""
    session = client.open_session_2010()
    pin = client.pin(session, client.puk(session, PUK, PUK_LIMIT), grouping=NONE, retryLimit=3)
    one, two = (client.key(session, "Key.%d" % number, pin, b"4711") for number in range(2))
    client.close(session)
    client.use(one.handle, b"0000")
    client.use(two.handle, b"4711")
    return one.handle


def tries(client, first, second):
    """Right and wrong PINs and PUKs on two keys of one shared PIN, to the block and back."""
    client.use(first, b"4711")
    client.use(second, b"0000")
    client.use(first, b"0001")
    client.use(second, b"4711")
    client.change_pin(first, b"9999", b"1111")
    client.change_pin(first, b"4711", b"1111")
    client.use(second, b"1111")
    for wrong in (b"0002", b"0003", b"0004", b"0005"):
        client.use(first, wrong)
    client.use(second, b"1111")     # blocked
    client.unlock(first, b"9")
    client.unlock(second, PUK)
    client.set_pin(first, b"8", b"2222")
    client.set_pin(first, PUK, b"4711")
    client.use(second, b"4711")


def successor(client, session, data):
    key = client.key(session, "New.%d" % next(_numbers), exportProtection=0)
    client.extend(session, key, BAG, property_bag(("n", True, "new")), 2)
    client.extend(session, key, LONG, data)
    return key


def manage(client, kmk, targets, data):
    """One close with all post operations, new keys and a policy; returns the clone's handle."""
    updated, cloned, unlocked, deleted = targets
    session = client.open_session(kmk)
    pin = client.pin(session, retryLimit=2)
    client.key(session, "Beside", pin, b"1234")
    for operation, target in (("update", updated), ("clone", cloned)):
        key = successor(client, session, data)
        client.post(session, operation, target, key)
    client.post(session, "unlock", unlocked)
    client.post(session, "delete", deleted)
    client.close(session)
    return key.handle


def give_up(client):
    """Sessions that come to nothing: aborted, and torn down by an error."""
    for begin, end in ((client.open_session, client.abort),
                       (client.open_session_2010, client.break_session)):
        session = begin()
        pin = client.pin(session, client.puk(session, PUK, PUK_LIMIT))
        key = client.key(session, "Key.1", pin, b"4711")
        client.extend(session, key, LONG, bytes(3000))
        end(session)


def round_of_life(host, client, data):
    """Enrolments, use, management by issuer and user, restarts of either kind."""
    kmk, new_kmk = generate(), generate()
    shared = several(client, kmk, 4)
    tries(client, *shared[:2])
    bag, secret, imported, bare, once = rich(client, kmk, data)
    client.set_property(bag, BAG, "n", "two")
    client.export(bag, b"8642")
    client.use(secret, b"5555")
    client.use(bare)
    for pin in (b"1212", b"1212", b"0000", b"1212"):
        client.use(once, pin)
    first = founding(client)
    host.stop()
    client.use(first, b"4711")
    client.use(imported, b"0000")
    client.use(shared[2], b"4711")
    clone = manage(client, kmk, shared, data)
    client.use(clone, b"4711")
    client.set_property(shared[0], BAG, "n", "three")
    host.kill()
    client.use(clone, b"7777")
    client.roll_over(client.container.keys[bag].session, new_kmk)
    give_up(client)
    session = client.open_session(kmk)
    client.post(session, "unlock", imported)
    client.post(session, "delete", secret)
    client.close(session)
    client.delete(imported, b"6666")
    client.delete(bare)
    host.kill()
    client.use(shared[1], b"4711")
    client.delete(clone)            # what their PIN has charged ahead is no wrong try
    client.use(shared[1], b"0000")
    client.use(shared[1], b"4711")
    return shared, bag


def run(host, client, data_size, rounds):
    """All of it. Leaves keys, an open session and a wrong PIN behind."""
    for _ in range(rounds):
        shared, bag = round_of_life(host, client, bytes(data_size))
    session = client.open_session()
    rsa = client.key(session, "RSA", client.pin(session), b"4711", keyAlgorithm=PREFIX + "rsa2048")
    client.close(session)
    client.use(rsa.handle, b"4711")
    session = client.open_session(generate())
    client.key(session, "Open", client.pin(session, client.puk(session, PUK, PUK_LIMIT)), b"4711")
    client.use(shared[0], b"0000")
    client.delete(bag)


def brief(host, client):
    """Two closes, one with post operations: for a control."""
    kmk = generate()
    manage(client, kmk, several(client, kmk, 4), b"data")
