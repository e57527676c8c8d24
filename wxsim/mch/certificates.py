"""The platform certificates, encrypted for the merchant."""

from wxsim import keys
from wxsim.clock import rfc3339
from wxsim.errors import PayError
from wxsim.exchange import Call, Reply, Route, json_reply
from wxsim.keys import Certified
from wxsim.world import World


class CertificateCalls:
    """The certificate endpoint."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """What answers which path."""
        return [Route("GET", "/v3/certificates", self._certificates)]

    def _view(self, certified: Certified) -> dict[str, object]:
        nonce = self._world.ids.next_text("certificate-nonce", 12)
        certificate = certified.certificate
        return {
            "serial_no": certified.serial,
            "effective_time": rfc3339(certificate.not_valid_before_utc.timestamp()),
            "expire_time": rfc3339(certificate.not_valid_after_utc.timestamp()),
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": nonce,
                "associated_data": "certificate",
                "ciphertext": keys.encrypt(
                    self._world.apiv3_key,
                    certified.certificate_pem.encode(),
                    nonce=nonce,
                    associated_data="certificate",
                ),
            },
        }

    async def _certificates(self, _: Call) -> Reply:
        if not self._world.tunables.platform_certificates:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书")
        return json_reply(
            {"data": [self._view(certified) for certified in self._world.keys.platform]}
        )
