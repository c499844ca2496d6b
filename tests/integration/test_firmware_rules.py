"""What an installed policy forbids: it takes effect at once, in every method, and survives."""

import threading

from rig.certificates import generate
from rig.constructs import spki
from rig.firmware import FirmwareTest, chunks
from rig.issuer_side import EC_P256
from rig.keycase import MORE, PIN, PREFIX
from rig.operationcase import AES_CBC, ECDH, HMAC_SHA256, OAEP_SHA256, OperationTest
from rig.profile_2010 import Client2010, Session2010
from rig.sks_wire import SksError
from rig.wirecase import ALGORITHM, OPTION

ES256, ES384 = MORE + "ecdsa-sha256", MORE + "ecdsa-sha384"
RSA_2048, ED25519, NONE = PREFIX + "rsa2048", PREFIX + "ed25519", PREFIX + "none"
SESSION_1, KEY_1 = PREFIX + "session.1", PREFIX + "key.1"


class RuleTest(FirmwareTest):
    """Every rule is looked at twice: as installed, and as loaded at the next start."""

    def tearDown(self):
        self.install(description="no rules")

    def twice(self):
        yield "installed"
        self.restart()
        self.sks = self.wire()
        yield "loaded"

    def under(self, **properties):
        self.install(**properties)
        for when in self.twice():
            with self.subTest(when):
                yield when


class Limits(RuleTest):
    def test_session_life_time(self):
        for _ in self.under(limits={"maxSessionLifeTime": 300}):
            self.session(sessionLifeTime=300).abort()
            for seconds in (301, 65535):
                text = self.assert_status(OPTION, self.session, sessionLifeTime=seconds)
                self.assertIn("300", text)
            self.assert_status(OPTION, self.session, sessionLifeTime=0)

    def test_life_time_of_2010(self):
        for _ in self.under(limits={"maxSessionLifeTime": 70000}):
            client = Client2010(self.token.url)
            self.addCleanup(client.close)
            Session2010(client, life_time=70000).create().abort()
            text = self.assert_status(OPTION, Session2010(client, life_time=70001).create)
            self.assertIn("70000", text)

    def test_pin_retry_limit(self):
        for _ in self.under(limits={"maxPinRetryLimit": 3}):
            self.check(lambda session, limit: session.pin(retryLimit=limit), (1, 3),
                       (0, 4, 10000, 10001))

    def test_puk_retry_limit(self):
        """A PUK that never blocks is over any limit."""
        for _ in self.under(limits={"maxPukRetryLimit": 5}):
            self.check(lambda session, limit: session.puk(retryLimit=limit), (1, 5),
                       (0, 6, 10000, 10001))

    def test_puk_without_retry_limit_where_there_is_no_limit(self):
        for _ in self.under(limits={"maxPinRetryLimit": 3}):
            self.check(lambda session, limit: session.puk(retryLimit=limit), (0, 10000), (10001,))

    def test_pin_length(self):
        for _ in self.under(limits={"minPinLength": 6}):
            self.check(lambda session, length: session.pin(minLength=length, maxLength=10),
                       (6, 10), (0, 1, 5, 11))

    def check(self, make, good, bad):
        for value in good:
            session = self.session()
            make(session, value)
            session.abort()
        for value in bad:
            self.assert_torn_down(OPTION, session := self.session(), make, session, value)

    def test_the_limit_comes_before_the_mac(self):
        """At its place among the checks of the method."""
        self.install(limits={"minPinLength": 6, "maxPukRetryLimit": 5})
        session = self.session()
        self.assert_torn_down(OPTION, session, session.pin, minLength=5, mac=bytes(32))
        session = self.session()
        self.assert_torn_down(OPTION, session, session.puk, retryLimit=6,
                              encryptedPuk=bytes(8))

    def test_all_at_once(self):
        self.install(limits={"maxSessionLifeTime": 600, "maxPinRetryLimit": 3,
                             "maxPukRetryLimit": 3, "minPinLength": 4})
        session = self.session()
        self.finish(session, session.key(pin=session.pin(puk=session.puk())))

    def test_no_limits(self):
        self.install(limits={})
        session = self.session(sessionLifeTime=65535)
        policy = session.pin(puk=session.puk(retryLimit=0), retryLimit=10000, minLength=1)
        self.finish(session, session.key(pin=policy))

    def test_policies_that_were_made_before(self):
        """A session goes on with them, and keys keep them: also a shorter new PIN."""
        session = self.session(sessionLifeTime=600)
        policy = session.pin()
        self.install(limits={"minPinLength": 8, "maxPinRetryLimit": 1, "maxSessionLifeTime": 1})
        key = session.key(pin=policy)
        self.finish(session, key)
        self.sign(key)
        self.manage("changePin", key, PIN, newPin=b"9182")
        self.sign(key, authorization=b"9182")


class Algorithms(RuleTest, OperationTest):
    """A disabled algorithm is as an unknown one, wherever it comes."""

    wanted = {"ec": {}, "rsa": {"keyAlgorithm": RSA_2048},
              "hmac": {"symmetric": bytes(32)}, "aes": {"symmetric": bytes(16)},
              "ed25519": {"keyAlgorithm": ED25519}}

    def test_device_info(self):
        everything = self.info().supportedAlgorithm
        for _ in self.under(algorithms=[ES256, EC_P256]):
            self.assertEqual(self.info().supportedAlgorithm, [SESSION_1, KEY_1, EC_P256, ES256])
        self.install()
        self.assertEqual(self.info().supportedAlgorithm, everything)
        self.install(algorithms=list(reversed(everything)))
        self.assertEqual(self.info().supportedAlgorithm, everything)
        self.install(algorithms=[SESSION_1])
        self.assertEqual(self.info().supportedAlgorithm, [SESSION_1, KEY_1])

    def test_key_generation(self):
        for _ in self.under(algorithms=[EC_P256]):
            self.make({"pin": None})
            for other in (RSA_2048, ED25519, PREFIX + "ec.nist.p384", "http://x"):
                session = self.session()
                text = self.assert_torn_down(OPTION, session, session.key, keyAlgorithm=other)
                self.assertIn("keyAlgorithm", text)

    def test_without_any_key_algorithm(self):
        """Sessions still work: so that a later policy may allow more."""
        self.install(algorithms=[SESSION_1])
        session = self.session()
        self.assert_torn_down(OPTION, session, session.key)
        self.install()
        self.make({"pin": None})

    def test_endorsed(self):
        for _ in self.under(algorithms=[EC_P256, ES256]):
            self.make({"pin": None, "endorsedAlgorithm": [ES256]})
            for endorsed in ([ES384], [ES256, ES384], [NONE], ["http://x"]):
                session = self.session()
                text = self.assert_torn_down(OPTION, session, session.key,
                                             endorsedAlgorithm=endorsed)
                self.assertIn("unknown", text)

    def test_operations(self):
        calls = (("signHashedData", "ec", ES256, {"data": bytes(32)}),
                 ("signHashedData", "rsa", MORE + "rsa-sha256", {"data": bytes(32)}),
                 ("signHashedData", "ed25519", ED25519, {"data": b"x"}),
                 ("performHmac", "hmac", HMAC_SHA256, {"data": b"x"}),
                 ("symmetricKeyEncrypt", "aes", AES_CBC,
                  {"data": b"x", "mode": True, "parameters": bytes(16)}))
        for call in calls:
            self.operate(*call[:3], **call[3])
        for _ in self.under(algorithms=[ES384]):
            for method, key, algorithm, values in calls:
                disabled, unknown = (
                    self.assert_status(ALGORITHM, self.operate, method, key, uri, **values)
                    for uri in (algorithm, "http://x"))
                self.assertEqual(disabled, unknown)
            self.operate("signHashedData", "ec", ES384, data=bytes(48))
        for _ in self.under(algorithms=[algorithm for _, _, algorithm, _ in calls]):
            for method, key, algorithm, values in calls:
                self.operate(method, key, algorithm, **values)
            for method, key, algorithm, values in (
                    ("asymmetricKeyDecrypt", "rsa", OAEP_SHA256, {"data": bytes(256)}),
                    ("keyAgreement", "ec", ECDH, {"publicKey": b"x"})):
                self.assert_status(ALGORITHM, self.operate, method, key, algorithm, **values)

    def test_order_of_the_checks(self):
        """A wrong PIN costs a try, and too much data is told, whatever the algorithm."""
        (key,) = self.make({})
        self.install(algorithms=[ES384])
        self.miss(key)
        self.assertEqual(self.errors(key), [1])
        self.assert_status(OPTION, self.sign, key, data=bytes(16385))
        self.assert_status(ALGORITHM, self.sign, key)
        self.assertEqual(self.errors(key), [0], "a right PIN clears the counter")

    def test_keys_stay(self):
        (key,) = self.make({"pin": None, "endorsedAlgorithm": [ES256], "exportProtection": 0})
        before = vars(self.attributes(key))
        session = self.session()
        begun = session.key(endorsedAlgorithm=[ES256])
        self.install(algorithms=[ES384])
        self.assertEqual(vars(self.attributes(key)), before)
        self.finish(session, begun)
        self.manage("exportKey", key)
        self.manage("deleteKey", key)
        self.assert_gone(key)

    def test_sessions_know_no_algorithms(self):
        """Ephemeral keys, key management keys and certificates are no business of the policy."""
        self.install(algorithms=[ES384, PREFIX + "rsa4096"])
        kmk = generate("P-384")
        session = self.session(keyManagementKey=spki(kmk.public_key()), curve="P-521")
        session.abort()


class Meanwhile(FirmwareTest):
    def test_signing_while_policies_change(self):
        """A call sees one policy: it is done, or refused as one with an unknown algorithm."""
        (key,) = self.make({"pin": None})
        allowed = ([ES256], [ES384], None)
        over, seen, trouble = threading.Event(), set(), []

        def work():
            sks = self.wire()
            while not over.is_set():
                try:
                    sks.call("signHashedData", keyHandle=key.handle, algorithm=ES256,
                             parameters=b"", biometricAuth=False, authorization=b"",
                             data=bytes(32))
                    seen.add(0)
                except SksError as error:
                    seen.add(error.status)
                except Exception as error:
                    trouble.append(error)
                    return

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(60):
                algorithms = allowed[turn % 3]
                text = self.next_policy(**({"algorithms": algorithms} if algorithms else {}))
                self.send_all(chunks(self.key, text, 2))
                self.check_at_once(key, algorithms)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual((trouble, seen), ([], {0, ALGORITHM}))

    def check_at_once(self, key, algorithms):
        """Whoever has the answer to the last chunk may count on it."""
        if algorithms == [ES384]:
            self.assert_status(ALGORITHM, self.sign, key, authorization=b"")
        else:
            self.sign(key, authorization=b"")
