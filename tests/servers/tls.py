"""Certificates for a server of the tests, from a certificate authority made for it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TLSFiles:
    """The files a TLS server and its clients need, in PEM."""

    ca: Path
    certificate: Path
    key: Path
    client_certificate: Path
    client_key: Path


def make_tls(directory: Path) -> TLSFiles:
    """Make an authority, a certificate for ``localhost`` and 127.0.0.1, and one for a client."""
    import trustme

    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    files = TLSFiles(*(directory / f"{name}.pem" for name in ("ca", "server", "server-key", "client", "client-key")))
    authority.cert_pem.write_to_path(str(files.ca))
    for certificate, path, key in (
        (authority.issue_cert("localhost", "127.0.0.1"), files.certificate, files.key),
        (authority.issue_cert("client@example.org"), files.client_certificate, files.client_key),
    ):
        for position, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(str(path), append=position > 0)
        certificate.private_key_pem.write_to_path(str(key))
    return files
