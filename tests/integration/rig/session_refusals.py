"""What makes a session fail at a live issuer, a row each: rig.refusalcase provokes them. `before` of
the test has sessions that began before its issuer was changed, `ca_folder` an external CA."""

from unittest import mock

from . import client_side, constructs
from .certificates import generate
from .client_side import Client, Device, HttpSession
from .keygen2_2010 import Client2010
from .mitm import flip_bit
from .refusalcase import Refusal
from .sks_types import base64url, from_base64url

INVOCATION, INITIALIZATION = "InvocationRequest", "ProvisioningInitializationRequest"
DISCOVERY, CREATION = "CredentialDiscoveryRequest", "KeyCreationRequest"
FINALIZATION = "ProvisioningFinalizationRequest"
P256 = "https://webpki.github.io/sks/algorithm#ec.nist.p256"


def failing(until, change, profile="plain", client_class=Client):
    """The answer to the request `until` is changed: change(message) may return another."""
    def provoke(test):
        client = client_class(test.issuer.url, profile, test.device)
        client.run(until=until)
        message = client.answer()
        changed = change(message)
        return lambda: (client.post(message if changed is None else changed), client.session_id)
    return provoke


def changed(**properties):
    return lambda message: message.update(properties)


def first_key(change):
    return lambda message: change(message["generatedKeys"][0])


def spoil(fields):
    fields.update(attestation=base64url(flip_bit(from_base64url(fields["attestation"]), 0)))


def attested_by_another(test):
    client = test.client("plain")
    client.run(until=INITIALIZATION)
    message = client.initialization_response(attesting_key=generate())
    return lambda: (client.post(message), client.session_id)


def a_device_of_nobody(test):
    test.device = Device()
    return failing(INITIALIZATION, lambda message: None)(test)


def a_generation_that_is_gone(test):
    """It owns what the device may have of a session in doubt."""
    test.device = test.before["generation"].device
    return failing(INITIALIZATION, lambda message: None)(test)


def a_key_of_another_curve(test):
    """Attested by the token itself."""
    client = test.client("plain")
    client.run(until=CREATION)
    with mock.patch.dict(client_side.KEY_KINDS, {P256: "P-384"}):
        message = client.answer()
    return lambda: (client.post(message), client.session_id)


def another_address(test):
    client = test.client("plain")
    client.start()
    client.path = "/kg2/expired"
    return lambda: (client.post(client.answer()), client.session_id)


def begun_before(name):
    """A session of before the restart, with its next message."""
    def provoke(test):
        client = test.before[name]
        return lambda: (client.post(client.answer()), client.session_id)
    return provoke


def external(mode):
    def provoke(test):
        (test.ca_folder / "mode").write_text(mode)
        return failing(CREATION, lambda message: None, "external")(test)
    return provoke


def one_key_for_two_operations(test):
    test.enrol("plain")
    return failing(CREATION, lambda message: None, "clash")(test)


def give_up(test):
    client = test.client("plain")
    client.start()
    return lambda: (client.http.request("GET", client.path + "?abort=true"), client.session_id)


def after_the_end(test):
    act = give_up(test)
    _, session_id = act()
    return act


def of_the_page(prepare):
    """What the page for those who wait leads to, once prepare(test) has ended the session."""
    def provoke(test):
        session_id = prepare(test)
        return lambda: (HttpSession(test.issuer.url).request("GET", "/pending/" + session_id),
                        session_id)
    return provoke


def rejected(test):
    client = test.client("deferred")
    client.run()
    test.command("reject", client.session_id)
    return client.session_id


def revoked(test):
    client = test.before["revoked"]
    test.command("revoke", "--session", client.session_id)
    return client.session_id


def not_found(test):
    """Of the same device, which has nothing of the session in doubt."""
    doubtful = test.before["lost"]
    before = test.metrics()
    client = Client(test.issuer.url, "plain", doubtful.device)
    client.run(until=DISCOVERY)
    test.assertTrue(client.run().done)
    after = test.metrics()
    labels = {"verdict": "failed", "cause": "in doubt"}
    test.assertEqual(after("sessions_ended_total", **labels),
                     before("sessions_ended_total", **labels) + 1)
    return doubtful.session_id


OF_SESSIONS = [
    Refusal("message", 302, r"InvocationResponse: line 1, column 1", failing(
        INVOCATION, lambda message: b"{")),
    Refusal("session ids", 302, "serverSessionId", failing(
        INVOCATION, changed(serverSessionId="another"))),
    Refusal("client capabilities", 302, "no answer for https://example.com/a", failing(
        INVOCATION, lambda m: m["clientCapabilities"][0].update(type="https://example.com/b"),
        "asking")),
    Refusal("server time", 302, "server time: ", failing(
        INITIALIZATION, changed(serverTime="2020-01-01T00:00:00Z"))),
    Refusal("device id", 302, "device id: ", failing(
        INITIALIZATION, lambda message: message.pop("deviceId") and None)),
    Refusal("client key", 302, "client key: ", failing(
        INITIALIZATION, lambda m: m.update(
            clientEphemeralKey=constructs.to_jwk(generate("P-384").public_key())))),
    Refusal("server key", 302, "is not for that of this session", failing(
        INITIALIZATION, changed(encryptedSessionKey=base64url(bytes(256))), "of-2010",
        Client2010)),
    Refusal("session attestation", 302, "session attestation: ", attested_by_another),
    Refusal("device path", 302, "device path: ", a_device_of_nobody),
    Refusal("listed device", 302, "is not on the list of the profile", failing(
        INITIALIZATION, lambda message: None, "listed")),
    Refusal("key management key", 302, "generation 2 is gone", a_generation_that_is_gone),
    Refusal("lookup results", 302, "there is none for", failing(
        DISCOVERY, lambda m: m["lookupResults"][0].update(id="None.1"), "key-delete")),
    Refusal("credentials", 302, "there is none", failing(
        DISCOVERY, lambda message: None, "key-delete")),
    Refusal("generated keys", 302, 'id is not "Key.1"', failing(
        CREATION, first_key(lambda key: key.update(id="Key.2")))),
    Refusal("key attestation", 302, "Key.1: is not by the token", failing(
        CREATION, first_key(spoil))),
    Refusal("key algorithm", 302, "key algorithm: Key.1: ", a_key_of_another_curve),
    Refusal("target", 302, "operations that exclude each other", one_key_for_two_operations),
    Refusal("certificate", 302, 'subject: the value of CN: the enrolment does not say', failing(
        CREATION, lambda message: None, "named")),
    Refusal("external CA", 302, "Key.1: it refused: no credit", external("refuses")),
    Refusal("external CA", 302, "Key.1: the command ended with exit code 1", external("fails")),
    Refusal("external CA", 302, "Key.1: .* for another key", external("another key")),
    Refusal("closing proof", 302, "closing proof: ", failing(FINALIZATION, spoil)),
    Refusal("address", 302, "the message came to", another_address),
    Refusal("profile", 302, "no longer has sessions of 2010", begun_before("profile")),
    Refusal("invitation", 302, "the session began without one", begun_before("invitation")),
    Refusal("life time over", 302, "^life time over", begun_before("expired")),
    Refusal("machine started anew", 302, "the machine was started anew meanwhile",
            of_the_page(lambda test: test.before["anew"].session_id)),
    Refusal("life time over", 302, "before the closing proof came",
            of_the_page(lambda test: test.before["doubtful"].session_id), "in doubt"),
    Refusal("in doubt", 302, "did not find it in the device", of_the_page(not_found)),
    Refusal("aborted by the client", 302, "aborted by the client", give_up),
    Refusal("rejected by the operator", 302, "rejected by the operator", of_the_page(rejected)),
    Refusal("revoked by the operator", 302, "revoked by the operator", of_the_page(revoked)),
    Refusal("session over", 302, "aborted by the client", after_the_end),
]
