"""Where the keys of this machine are; they are put there by the configuration management."""

from pathlib import Path

ETC = Path("/etc/ledger/tls")
KEY = str(ETC / "worker.key")
CERTIFICATE = str(ETC / "worker.pem")
TRUSTED = str(ETC / "trusted" / "*.pem")
