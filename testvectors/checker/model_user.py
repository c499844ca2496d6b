"""What users do with a key of a closed session: PINs and PUKs and their tries, and the one
operation that the tests try PINs with (docs/wire.md, sections 5 and 7)."""

from .keys import read_public_key
from .model import ALGORITHM as WRONG_ALGORITHM
from .model import NO_KEY, demand
from .model_create import OF_EC, OF_RSA, check_pin_rules, same_group
from .shapes import ALGORITHM
from .verdict import OPTION

AUTHORIZATION, NOT_ALLOWED = 1, 2
LARGEST_DATA = 16384
NO_HASH = {ALGORITHM + name for name in ("ecdsa.none", "rsa.pkcs1.none", "ed25519")}
SIGNATURES = {uri for uri in OF_RSA | OF_EC if "-sha" in uri} | NO_HASH


def closed_key(token, found):
    key = token.keys.get(found["keyHandle"])
    demand(key is not None and key.session.state == "closed", NO_KEY)
    return key


def keys_of_pin(token, key):
    """All that share PIN and error counter with a key."""
    return [other for other in token.keys.values() if other is key or (
        other.pin is key.pin and key.pin.rules["grouping"]
        and same_group(key.pin.rules["grouping"], key.usage, other.usage))]


def check_authorization(token, key, value):
    if key.pin is None:
        demand(not value)
        return
    demand(key.errors < key.pin.rules["retryLimit"], AUTHORIZATION)
    right = value == key.pin_value
    errors = 0 if right else key.errors + 1
    for other in keys_of_pin(token, key):
        other.errors = errors
    demand(right, AUTHORIZATION)


def check_puk(key, value):
    puk = key.pin.puk if key.pin else None
    demand(puk is not None)
    demand(puk.limit == 0 or puk.errors < puk.limit, AUTHORIZATION)
    if value == puk.value:
        puk.errors = 0
        return
    puk.errors += 1 if puk.limit else 0
    demand(False, AUTHORIZATION)


def clear_errors(token, key):
    for other in keys_of_pin(token, key):
        other.errors = 0


def unlock_key(token, key, found):
    check_puk(key, found["authorization"])
    clear_errors(token, key)
    return ()


def new_pin(token, key, value):
    demand(key.pin.modifiable, NOT_ALLOWED)
    check_pin_rules(key.pin.rules, value)
    sharing = keys_of_pin(token, key)
    if key.pin.rules["grouping"]:
        demand(all(other in sharing or other.pin is not key.pin or other.pin_value != value
                   for other in token.keys.values()))
    for other in sharing:
        other.pin_value, other.errors = value, 0


def change_pin(token, key, found):
    check_authorization(token, key, found["authorization"])
    demand(key.pin is not None)
    new_pin(token, key, found["newPin"])
    return ()


def set_pin(token, key, found):
    check_puk(key, found["authorization"])
    new_pin(token, key, found["newPin"])
    return ()


def sign_hashed_data(token, key, found):
    """Without the signature: it is none that could be foreseen."""
    demand(not found["biometricAuth"])
    check_authorization(token, key, found["authorization"])
    data, uri = found["data"], found["algorithm"]
    public = read_public_key(key.public)
    demand(len(data) <= LARGEST_DATA)
    demand(uri in SIGNATURES and key.symmetric is None, WRONG_ALGORITHM)
    demand((uri in OF_RSA) == (public.kind == "RSA"), WRONG_ALGORITHM)
    demand(not key.endorsed or uri in key.endorsed, WRONG_ALGORITHM)
    demand(not found["parameters"], OPTION)
    if uri not in NO_HASH:
        demand(len(data) * 8 == int(uri[-3:]))
    elif uri == ALGORITHM + "ecdsa.none":
        demand(1 <= len(data) <= 64)
    elif uri == ALGORITHM + "rsa.pkcs1.none":
        demand(len(data) <= public.size - 11)
    return (b"",)
