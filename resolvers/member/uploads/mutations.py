"""createUpload."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.errors import DomainError
from domain.members import UploadPurpose
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from services import uploads
from services.uploads import CreateUpload, NewUpload

strawberry.enum(UploadPurpose, name="UploadPurpose", description="What an uploaded picture is for.")


@strawberry.input(description="A picture about to be sent.")
class CreateUploadInput:
    purpose: UploadPurpose = strawberry.field(description="What it is for.")
    content_type: str = strawberry.field(description="image/jpeg, image/png or image/webp.")
    bytes: int = strawberry.field(description="Its size; the form takes no more.")


@strawberry.type(description="A hidden field of the form.")
class UploadField:
    name: str = strawberry.field(description="The field's name.")
    value: str = strawberry.field(description="The field's value, as it is.")


@strawberry.type(
    description="wx.uploadFile can only POST a form: `fields` go in formData, the file under"
    " `fileField`."
)
class Upload:
    id: strawberry.ID = strawberry.field(description="For the mutation that uses the picture.")
    url: str = strawberry.field(description="Where to POST the form.")
    file_field: str = strawberry.field(description="The file's field; it comes last.")
    fields: list[UploadField] = strawberry.field(
        description="wx.uploadFile posts forms: `fields` are formData, the file goes under"
        " `fileField`."
    )
    expires_at: datetime = strawberry.field(description="Until when the form can be posted, once.")

    @classmethod
    def of(cls, made: NewUpload) -> Upload:
        """Show a form."""
        form = made.form
        return cls(
            id=strawberry.ID(str(made.id)),
            url=form.url,
            file_field=form.file_field,
            fields=[UploadField(name=name, value=value) for name, value in form.fields.items()],
            expires_at=form.expires_at,
        )


@strawberry.type(description="The form, or why there is none.")
class UploadPayload:
    upload: Upload | None = strawberry.field(default=None, description="The form to post.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Empty when it worked."
    )


@strawberry.type
class UploadsMutation:
    @strawberry.mutation(description="Makes a form by which the viewer sends one picture.")
    async def create_upload(self, info: Info, input: CreateUploadInput) -> UploadPayload:
        context = info.context
        command = CreateUpload(
            member_id=context.require_member(),
            purpose=input.purpose,
            content_type=input.content_type,
            size=input.bytes,
        )
        try:
            made = await uploads.create_upload(
                command,
                context.ports.pictures,
                context.ports.limits,
                max_bytes=context.ports.upload_max_bytes,
                now=context.now,
            )
        except DomainError as error:
            return UploadPayload(user_errors=[UserError.of(error, context.language)])
        return UploadPayload(upload=Upload.of(made))
