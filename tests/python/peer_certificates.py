"""A certificate authority for one foreign peer, made at run time, and the certificates a peer can have, good and bad."""

import ipaddress
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates import DAY, NOW, Issuer

GOOD_NAMES = ("localhost", "127.0.0.1")


class PeerAuthority:
    """`ca` is the path of its certificate as PEM; all other methods give paths of chain and key."""

    def __init__(self, folder=None, common_name="Foreign peers CA"):
        self.kept = None if folder else tempfile.TemporaryDirectory(prefix="peer-pki-")
        self.folder = Path(folder or self.kept.name)
        self.issuer = Issuer.root(common_name)
        self.ca = str(self.folder / "peers-ca.crt")
        Path(self.ca).write_bytes(self.issuer.cert.public_bytes(serialization.Encoding.PEM))

    def server(self, names=GOOD_NAMES, start=NOW - DAY, end=NOW + DAY, issuer=None):
        names = x509.SubjectAlternativeName([address_or_name(name) for name in names])
        made = (issuer or self.issuer).issue(
            None, usages=(ExtendedKeyUsageOID.SERVER_AUTH,), extra=[(names, False)], subject="foreign peer", start=start, end=end)
        return made.files(self.folder)

    def client(self, subject="client", issuer=None):
        return (issuer or self.issuer).issue(None, subject=subject).files(self.folder)

    def wrong_name(self):
        return self.server(names=("somebody-else.example",))

    def expired(self):
        return self.server(start=NOW - 3 * DAY, end=NOW - DAY)

    def not_yet_valid(self):
        return self.server(start=NOW + DAY / 2, end=NOW + DAY)

    def untrusted(self):
        """By an authority of the same name that nobody trusts."""
        return self.server(issuer=Issuer.root("Foreign peers CA"))


def address_or_name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
