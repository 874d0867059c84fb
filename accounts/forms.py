from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from accounts.limits import count_address, count_attempt
from config.errors import Refusal


class SignInForm(AuthenticationForm):
    """The admin's sign-in, where passwords are tried no oftener than anywhere else."""

    def clean(self) -> Any:
        try:
            count_address(self.request)
            count_attempt(self.request, self.cleaned_data.get("username", ""))
        except Refusal as refusal:
            raise ValidationError(refusal.message) from refusal
        return super().clean()
