"""Fixed keys of the known answers. They protect nothing; they only make the output repeatable.

RSA keys are kept as PKCS #8 in base64; EC scalars are derived from a label.
"""

import base64
import datetime
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509.oid import NameOID

RSA_DEVICE = (
    "MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQCvZhYHSpjWyoeYszVoHxA8OGeUt7ZwC53JDDJRRm"
    "g8BprhZb0revf0/kkn4osOtJfgsqZJqJvhCVbwYDSUXC+XGnft8RgvSoksoshEUyus/gpBGeHk1dncYMdcyj6YLaLc"
    "KtVW5Ua5Weq11YifzCyoafTGo6qp+d6cj34wr9hlxB49YQJfuwR0y/TSVH5C5qTqV3u+SqsuCad3o5CsS1I3+SLf9l"
    "EWELWbG4I4ciSgCDvXThvY/vtIM1NwBIrtRTmpkzRGz3/xfN+nCsvyWrYrtX11p5llFCDVyDmubjKdR/3n7FnqwrX8"
    "uY/BEUMINnGvTznnGNk4kIERHfxH0XfrAgMBAAECggEAS4rKPgWw4gGEeQ3mGJwYX/djFTgyiPtXz7lDCqIqToABwM"
    "YSvWFO3eOPGnCFt6WsLAiFef/2cuuU2B53RtaVYJzzvjUyV1vgzKqnWlX/35fiTruZAPfhxvqfoqUwZFZzaCPCkpRY"
    "64eAgSQgncJQEZDg7ZSb8m09pWxfyxRRPTKNm1un+eGm4324qYsp/0YLZ9xfmWYFjqnFUY3pw3xu/5nvwEj4BU12Dk"
    "mT/4xtaJAw1WTCvyQGvDD5EfgWt8qFjzgd3PmmDkZ9XDcN9sqdMsJ5oF0PVStKwUsgAzzDH7HLZ/t1SrUXq5i/JY5x"
    "d/5KdZ45T4LJpAidflayUsLt0QKBgQDemum6L3xYxZTlpkVXAbSnSwB+FBkK4JXazh8/l33/ZMs4fLLl9jQd2FlSlT"
    "xe9ROtwMaFyend1rYjiy3zAwHxrZCs8axj4BX6UBlKfHQI5VUE3kFbiE9ROENm3wSXNcqpOQ6bZBaaEHwXR2f90u9j"
    "LRgqZfJoknwVSeXc3VxdBwKBgQDJtjnw3rrq+vDua1ABaYAcS/3gm5O3AboSQCu2YGel+aTzmbqp2QOnDfMDtknqjd"
    "0NTX7S2DjjCGR88O05nCTLfyj0vSuk1sn1OSemYBxL9pXCxgeAuMZV2+ansJY5+VI9bjW5+LqQC10GuI3MUua2+B1G"
    "tG3YElUzZIDfm1A4/QKBgQDLzEfvjUnqe/m1xmP1JDqgbqokw4Gp07NefxdcwPU5vK3RKVkf8CgGquwcD0UWKom5qa"
    "QXGKRj1Q8ru2B1+2rsOFsb+qY5Sg7U/EArUYVqH4uWyWRMyJ7VXQ1YQRWS2kyQYQxed2O56R2ysk0itNs1kTNunacw"
    "1euEEgPAEWleQQKBgQCkYxABT2OB0RS9GVPQcsxnQz8Z53CQuqWL7iQxs4uE5lkZ9fT8KtIhOOsN4WeH8iluh/ONnY"
    "1u6Q4MDMUoKCqMdYtJOUnyQuHAKd44ZydoeQNAAudmbi+lFVt62hz0Dk6JpeG/OAfDEJ+1tH5LQFyqTLZ/QtgqOXaa"
    "NZQZp5fPeQKBgQCUDVMtIVSgrgpou58De1cHikm+v0wCfQ/RxPa6Cn2eBfXeboLtRA7pahA8bDqhF3Q35PqwTlNMaX"
    "IPezOim7g8RqSdR5G3enU3yqUFEryeY8EmSljRCqUr7Qop/aWUMGWDvWeAVjP2fBJoieMv1ou9Da7dPPOaqXGdIw/u"
    "YtqbgQ=="
)

RSA_MANAGEMENT = (
    "MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQDPNP8Jh834WiV/u/sOIcroZAcCDdFhFVdRZJ6lI+"
    "lrPYFmNRTL0jpJJs/yJRTHMKY65kiUBt7CjFnqYjhcjb2mjKPqm3aPF2FsTmX7VGdpw0+MiDJN+w3i7KweazDQyIxn"
    "rK5mCLmqudx77lvbpqw0f7vGSuJMAbufZpMRpTZp1oXHI4YRFn9iXLL+avJvq4q8tY9ST9yuStVSDql41BWz6m+mq7"
    "9elfxK369zx0thNKQn6gtLdgHHvvqO9SheDUkIjelVzmAxTrGIqSPL1GWGeWbnQLQSF7FXtw44t4rd0vysT2CeBDMX"
    "xJhEGkvrYCF8a7NV/n9fvh5/RKClcGJLAgMBAAECggEAIGQzfkTpkOpetFIpk/L6akvAwLRyR8/zP3kQR9aOVcJeqS"
    "ChKJ+rluXnWf4r+luDkO+Q5vsP9a/FGpvSHb3WqOOReEpnRUUtaKX00U5HgEQU+m4MFx6o9BF1cqflEK5ZLJfVB4RT"
    "qfm2GvWPDI5Im0hgjUYFjEY1E10QnpCKKg8jo+MYJjcagyfQ4FdZajLJ6pmg64UJc+kVu6sTNoQ33HPKnZ2rUk7iYs"
    "T+bFTb0qh6rr8O7qQq0cmKcyTubmw8iESV7UvTe+Uv5hC8dml3k25DbvMIh8CoYTpK1TrQ8KrNYv66fQwOA7Lr8ExA"
    "DhTHNOlYVl3MASI4+PG/N26HCQKBgQD/YydCTKvgD7zhWeC7+LrFtqmAJwl1Jjvft054t9shdFbZz0pazweoKXC+l8"
    "YiMr1kU+u/VtuGJWC5VM6m+ifiADvE2VgxvqmGSX+4pMG6dKRJY9ws9qn8rLZDyMEHHDBNmzX80kjVxjaXeU/po06w"
    "tqDQ+WWUy8sXE4Hwxt0ofQKBgQDPtEC6+e8dTgSxoSLLWmyhmy+HaBitbHVeSNh04XiISMfbrAti6YHEdZuW2F/Pj/"
    "Xt0AB0JLPVhDlRIJQQAwBwvXq+KgIRkaNmYvQU11BJ2D1XwSae+dC0Pv0w5jbHb66ToqAP3g8ychclKz0eezjp/waZ"
    "Tfnie84xvwB6UOz4ZwKBgQC9f+BgpK2gO21Gtb85G03TaT+KlOzCnZUt4kF698nEoCPVyKd+jEI9OEqtUcc2FvpLWK"
    "4EMzn+5vtHabNRWSuA2fV/klqLxtLZju4Tn0UUynog7tUwE/N8RteTooIAeZ0p6LJ9n7dl0IcvjFeMoJ3CKDFZ/sSu"
    "TS2sONBhTd5KrQKBgQDB4tid8Zt1NpQJIIrzWuiW/t8iPljy4pC5P7TXfnXeeloeRH6oiaM6OjLQYBEoF5GRuh4CTR"
    "SWVwSOJ6QvQi4SD75Zb6tYrSPj+rEwF0H6fOHeXg5oTni1GSuOjwhJqYZEiIVz6m0zQO88Ih2+q3YYcJi/WNvPwJRd"
    "OZf/ljVvNwKBgQDVM/UVwsNTrTe6EtKmM7ikGX3HMFn33NY5pDF93W8Qi6/pECSBLQ05X3bs47BBxua8ldw+Lk8JVK"
    "LlRQ0FoDyeTsdZ2bvfEobLvp8J6aT0AShM+ulw4TIP2ll1TeAc4cdFOYXjGZHn16/Ti3iuoVlTRgxrT7VJ+wi8E5jP"
    "n2oGcw=="
)

RSA_CA = (
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCWpQJuYoFJ0smDJ7fvBhA7UFqCjtb7xEEYgp0S5D"
    "kBfeWaDySp7IJTXCPPxdDhXDK73NPTPZ0awsB1uDsLCGRinYAL5Z0NmbR8F3+zuNRV6fK2ReyDuR/tk19JiNEDsY0K"
    "g5IXwTq8JAe4mTNcQI1D3J9h+ZNcZYLkHlAXQzzg0Eu5fvbjEG3B2f86nL4827CZ7Jfg4MHocZRiyYi3RadVNuvi7Y"
    "rDUhHDaPjiEi2bffPY6CbaUUnfen7sohFN6konMFuhaouaQTFOJEXsADRf8czEAJBX6YX6S0xny/ALN3+5jJ2NlG2E"
    "4Ec9rX7q0abZMBvcAKF/Xg7c3giVQIIjAgMBAAECggEAPMBX3idIh3qDvKpAYZr64ciyb5NmPIs1S0qlSLCUErdwaD"
    "QyL3rLRg3S/WADsFaLuTpBjJ9844VlszO0T+s2/JQSxvl24Dy7zg11+QcRToJ12K8TRj3ak+dKVq/fxtMME5Di0kSh"
    "SK1pFbdmwI3hylvHRO4u0OS5KADXgMIjY2/Oi2DNOq4zmAr+iOLnglgypZl6JgHRd0bCQYl97RC09r7Lh3jHjnlrsM"
    "AXujz+EGSpADSvxaDA952dgAHPqPKTyy3/o+EUFhadiAXE8iFLnHa9FTSjfMA0tIWP5fCOhveLRdBGK9RQpN2LhO1M"
    "0YJMsF6gSCpGCaKTGZb8BDj4gQKBgQDMmEt8XhgX3dgB1qZR8n53SeueI58dTU3yG/xYTLb5My5W0PcCHRv1CFstSf"
    "fClqHbjdyJ7D2b2/5ku2/M2ZXANmfcHCudPBLCEo0JKi6z5KG35bZHB2rZKrpjtRkrp5LnYTYS9zgeJ0fr7Q0mGC0S"
    "zsoiscejyQylD6kLRIT1owKBgQC8fpYy4X9lf1zuqfIR8gUIFuhZ2GqsfBpEXxFYlsc1UW9dO1bZA0Qy+mTJapmzZR"
    "0YRS232ED06t8ZM/fqm6nSsNKfNH7CITDL+LDD9k9isvnIR88U4mex8TfNUzF/BE5t/mgVRwWAxxmDTLSJDU+L6Yyv"
    "9sJ0c2BADEDYJcoJgQKBgEsGDagtWOhnkS4baCHkqjtT//KdXVuBXXPKj15Rw0beXb+4INvFkNrplYWl+hSA6Bl6i8"
    "SHvI/KvB50HSshHqi9SpiMO/IMdVR1OQKDVVziGes1cQHa1nOMF404e2JmsJfoLcwGm61y+gypgIjXlK+w5K6UQoDs"
    "2JYuh+550cfBAoGBAJiUd4y0UGWelWF0G8k++ae0s1yW/LKmurSBqA7n7lVQmC8F66U7KaeCXLdWHRjETqroxLs+yE"
    "X5IaLLGHHGk89C5xuMaNdH+rIBm0TlSxl/+wWOayhipMG7mwoPv88rczlCaIpgtSmrARHxs2oFZlDBOurteja9djoi"
    "MRNGc6cBAoGBALfgombEE5pXkkLddJgnd/u1y7hYN2HEIDeJv95ndfxXtdnM8LrG/t4GjUJBEcgNJzGRetkNYhm1YO"
    "0DmRp6YacaU535no1JOYPNVGZ29Jwln0J6GWSbbLRxt7/jwC2yyQJPBbtJDci6rVUHPBagcZlQOMpTEAzaDLz2BX6a"
    "vCuz"
)


ORDERS = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
                     "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    "secp521r1": int("01FF" + "F" * 62
                     + "FA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16),
}


def fixed_bytes(label, size):
    """Repeatable bytes that look random; also used for ids, IVs and nonces."""
    return hashlib.shake_256(b"known answer " + label.encode()).digest(size)


def rsa_key(text):
    return load_der_private_key(base64.b64decode(text), None)


def ec_key(label, curve):
    order = ORDERS[curve.name]
    scalar = int.from_bytes(fixed_bytes(label, 80), "big") % (order - 1) + 1
    return ec.derive_private_key(scalar, curve)


def ed25519_key(label):
    return ed25519.Ed25519PrivateKey.from_private_bytes(fixed_bytes(label, 32))


def ecdsa_sign(private_key, data):
    """ECDSA with SHA-256 as r||s, the nonce taken from key and data, so that it is repeatable."""
    numbers = private_key.private_numbers()
    order = ORDERS[private_key.curve.name]
    size = (order.bit_length() + 7) // 8
    digest = hashlib.sha256(data).digest()
    seed = numbers.private_value.to_bytes(size, "big") + digest
    nonce = int.from_bytes(hashlib.shake_256(seed).digest(80), "big") % (order - 1) + 1
    point = ec.derive_private_key(nonce, private_key.curve).public_key().public_numbers()
    r = point.x % order
    # The orders used here are no shorter than SHA-256's 256 bits: nothing to cut off.
    s = pow(nonce, -1, order) * (int.from_bytes(digest, "big") + r * numbers.private_value) % order
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _mgf1(seed, size):
    blocks = b"".join(hashlib.sha256(seed + n.to_bytes(4, "big")).digest()
                      for n in range((size + 31) // 32))
    return int.from_bytes(blocks[:size], "big")


def oaep_encrypt(public_key, message):
    """RSAES-OAEP with SHA-256 and no label (RFC 8017, 7.1.1), its seed taken from the key and the
    message, so that it is repeatable."""
    numbers = public_key.public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    block = hashlib.sha256().digest() + bytes(size - len(message) - 66) + b"\x01" + message
    seed = hashlib.sha256(numbers.n.to_bytes(size, "big") + message).digest()
    masked = int.from_bytes(block, "big") ^ _mgf1(seed, len(block))
    masked = masked.to_bytes(len(block), "big")
    seed = (int.from_bytes(seed, "big") ^ _mgf1(masked, 32)).to_bytes(32, "big")
    return pow(int.from_bytes(seed + masked, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def certificate(name, public_key):
    """An X.509 certificate that is the same at every run: RSA signatures are."""
    start = datetime.datetime(2026, 1, 1)
    return (x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Known Answer CA")]))
            .serial_number(int.from_bytes(fixed_bytes("serial " + name, 9), "big") >> 1)
            .not_valid_before(start).not_valid_after(start + datetime.timedelta(days=36500))
            .public_key(public_key)
            .sign(rsa_key(RSA_CA), hashes.SHA256())
            .public_bytes(Encoding.DER))


DEVICE_KEYS = {"RSA-2048": rsa_key(RSA_DEVICE),
               "P-256": ec_key("device", ec.SECP256R1())}
KINDS = {"RSA-2048": "RSA", "P-256": "EC"}
DEVICES = {name: certificate("Device " + name, key.public_key())
           for name, key in DEVICE_KEYS.items()}
MANAGEMENT_KEYS = {"RSA-2048": rsa_key(RSA_MANAGEMENT),
                   "P-256": ec_key("management", ec.SECP256R1()),
                   "P-384": ec_key("management", ec.SECP384R1())}
