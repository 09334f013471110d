"""The certificate that a mock's servers speak TLS with."""

from typing import TYPE_CHECKING

from s2mock.runtime.arguments import check_flag
from s2mock.runtime.loading import loading

if TYPE_CHECKING:
    from pathlib import Path

    from s2mock.server.tls import Certificate


class ServerCertificate:
    """The certificate of a mock: none, one made for this machine, or one from files.

    `tls` is the option of that name. Raises `ModuleNotFoundError` if trustme is missing.
    """

    def __init__(self, tls: bool) -> None:
        check_flag("tls", tls)
        self._is_made_here = tls
        self._certificate: Certificate | None = None
        if tls:
            from s2mock.server.own_certificate import check_trustme

            check_trustme("tls=True")

    @property
    def ca_file(self) -> str | None:
        """The file of the certificate's authority; None if there is none yet, or none of ours."""
        return None if self._certificate is None else self._certificate.ca_file

    def find(self, host: str) -> "Certificate | None":
        """Return the certificate to serve with at that address; None for plain HTTP."""
        if self._is_made_here:
            with loading():
                from s2mock.server.own_certificate import own_certificate

            self._certificate = own_certificate(host)
        return self._certificate

    def use_files(self, certificate_file: "Path", key_file: "Path") -> None:
        """Serve with a certificate of the user's. Raises `OSError`, `ValueError`."""
        from s2mock.server.tls import certificate_of_files

        self._certificate = certificate_of_files(certificate_file, key_file)
        self._is_made_here = False
