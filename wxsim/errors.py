"""How a caller is refused: in the words of WeChat, of WeChat Pay, and of the control API."""

from typing import Any


class WeChatError(Exception):
    """A refusal as api.weixin.qq.com words it: HTTP 200 with errcode and errmsg."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errcode, errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


class PayError(Exception):
    """A refusal as WeChat Pay v3 words it: an HTTP status, a code, a message and a detail."""

    def __init__(
        self, status: int, code: str, message: str, detail: dict[str, Any] | None = None
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail


class ControlError(Exception):
    """A refusal of the control API: an HTTP status, a stable code and a sentence for a person."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message


def param_error(field: str, issue: str, value: Any = None, *, location: str = "body") -> PayError:
    """WeChat Pay's refusal of one field, named by its JSON pointer."""
    detail = {"field": field, "value": value, "issue": issue, "location": location}
    return PayError(400, "PARAM_ERROR", f"参数错误: {field} {issue}", detail)
