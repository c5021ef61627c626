"""Certificates and revocation lists for the attack tests, good and bad, made at run time."""

import datetime
import uuid
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def uri(*texts):
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(text) for text in texts])


class Issuer:
    """A certificate and its key; issues others under it."""

    def __init__(self, cert, key, chain=()):
        self.cert, self.key, self.chain = cert, key, tuple(chain)

    @classmethod
    def root(cls, common_name="Foreign CA", key=None, subject=None, path_length=None, key_id=None):
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = subject or name(common_name)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
        builder = builder.add_extension(x509.BasicConstraints(True, path_length), True).add_extension(key_usage(ca=True), True)
        if key_id:
            builder = builder.add_extension(key_id, False)
        return cls(builder.sign(key, hashes.SHA256()), key)

    def issue(self, san="urn:liaison:cert-a:feed", *, key=None, start=NOW - DAY, end=NOW + DAY, ca=False, path_length=None,
              usages=(ExtendedKeyUsageOID.CLIENT_AUTH,), extra=(), digest=None, subject="client", signer=None):
        """`san` is None, one URI, or a list of them; `extra` are (extension, critical) pairs."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(self.cert.subject)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(start).not_valid_after(end)
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), True).add_extension(key_usage(ca), True)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
        if san:
            builder = builder.add_extension(uri(*([san] if isinstance(san, str) else san)), False)
        for extension, critical in extra:
            builder = builder.add_extension(extension, critical)
        cert = builder.sign(signer or self.key, digest or hashes.SHA256())
        chain = (self.cert, *self.chain) if self.chain or self.cert.issuer != self.cert.subject else ()
        return Issuer(cert, key, chain)

    def files(self, folder):
        """Writes chain and key as PEM; the answer is their paths."""
        base = Path(folder) / uuid.uuid4().hex
        pem = b"".join(cert.public_bytes(serialization.Encoding.PEM) for cert in (self.cert, *self.chain))
        base.with_suffix(".crt").write_bytes(pem)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        base.with_suffix(".key").write_bytes(self.key.private_bytes(*form))
        return str(base.with_suffix(".crt")), str(base.with_suffix(".key"))


def key_usage(ca=False):
    return x509.KeyUsage(digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False,
                         key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False)


def crl(issuer, start=NOW - DAY, end=NOW + DAY, serials=()):
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.cert.subject).last_update(start).next_update(end)
    for serial in serials:
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(start).build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
