"""Kind key-management: what a key management key signs."""

from . import constructs
from .fields import Fields, octets
from .keys import key_pair, read_public_key
from .verdict import CRYPTO, OPTION, by_token, require, valid

REFERENCE = [("prefix", "raw"), ("HMAC(SK || deviceId, targetCertificate)", "raw")]
ROLL_OVER = [("prefix", "raw"), ("keyManagementKey", "raw")]


def judge(group, test):
    fixtures = group["fixtures"]
    signer = key_pair(fixtures["keyManagementKey"]).public
    if group["type"] == "targetKeyReference":
        data = Fields(fixtures, REFERENCE, "target key reference").input
        must = constructs.target_reference(*(octets(fixtures[name]) for name in (
            "sessionKey", "deviceId", "targetCertificate")))
        session = "removed"     # the one that queues the operation
    else:
        fields = Fields(fixtures, ROLL_OVER, "roll-over")
        data = fields.input
        must = constructs.roll_over(fields["keyManagementKey"])
        read_public_key(fields["keyManagementKey"])
        session = "closed"      # updateKeyManagementKey tears nothing down
    require(data == must, "data is not what is signed")
    authorization = octets(test["input"]["authorization"])
    if len(authorization) != signer.signature_size():
        return by_token(CRYPTO, session)
    return valid() if signer.verify(data, authorization) else by_token(OPTION, session)
