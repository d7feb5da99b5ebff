"""Answers by which somebody can be reached: the types people ask for, each a ``str``."""

from __future__ import annotations

import contextlib
import re
from typing import Final
from urllib.parse import urlsplit

from ..facts import KINDS, Delivery
from .base import say_again, text_of
from .media import message_of
from .numbers import plain_digits

__all__ = ["Email", "Emails", "Phone", "Phones", "Url", "Urls"]

_EMAIL: Final = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@(?:[^\W_](?:[^\W_]|-(?!\.)){0,62}\.)+[^\W\d_][^\W_-]{1,62}")
_PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
_LOOSE: Final = re.compile(r"[\s().\-/\u00a0]+")
_HOST: Final = re.compile(r"(?:[^\W_](?:[^\W_]|-(?!\.)){0,62}\.)+[^\W\d_][^\W_-]{1,62}")


class Email(str):
    """An e-mail address."""

    __slots__ = ()


class Phone(str):
    """A phone number as E.164 writes it: a plus, the country's code and digits, nothing else."""

    __slots__ = ()


class Url(str):
    """A link, http or https."""

    __slots__ = ()


def _load_emails() -> None:
    with contextlib.suppress(ImportError):
        import email_validator as email_validator


def _load_phones() -> None:
    with contextlib.suppress(ImportError):
        import phonenumbers

        phonenumbers.is_possible_number(phonenumbers.parse("+493012345678"))


class Emails:
    """An e-mail address. email-validator looks at it if that is installed; whether it exists, nobody asks."""

    kinds = KINDS["message"]
    slow = (_load_emails,)

    def parse(self, delivery: Delivery) -> Email:
        """Return the address, its domain in lower case."""
        problem = say_again("email", example="alice@example.com")
        text = text_of(delivery, problem).removeprefix("mailto:")
        try:
            from email_validator import EmailNotValidError, validate_email
        except ImportError:
            if not _EMAIL.fullmatch(text):
                raise problem from None
            name, _, domain = text.rpartition("@")
            return Email(f"{name}@{domain.lower()}")
        try:
            # Names reserved for examples are the bot's business, not ours.
            return Email(validate_email(text, check_deliverability=False, test_environment=True).normalized)
        except EmailNotValidError:
            raise problem from None


class Phones:
    """A phone number, written or sent as a contact. phonenumbers looks at it if that is installed.

    Args:
        region: the country, such as "DE", of numbers without a country's code; needs phonenumbers.
    """

    kinds = KINDS["message"]
    slow = (_load_phones,)

    def __init__(self, region: str | None = None) -> None:
        self._region = region

    def parse(self, delivery: Delivery) -> Phone:
        """Return the number."""
        problem = say_again("phone", example="+49 30 1234567")
        contact = getattr(message_of(delivery), "contact", None)
        if contact is not None:
            # Telegram's own numbers come with the country's code, and sometimes without the plus.
            text = "+" + str(contact.phone_number).lstrip("+")
        else:
            text = text_of(delivery, problem)
        digits = _LOOSE.sub("", plain_digits(text))
        digits = "+" + digits[2:] if digits.startswith("00") else digits
        try:
            import phonenumbers
        except ImportError:
            if not _PHONE.fullmatch(digits):
                raise problem from None
            return Phone(digits)
        try:
            number = phonenumbers.parse(digits, self._region)
        except phonenumbers.NumberParseException:
            raise problem from None
        if not phonenumbers.is_possible_number(number):
            raise problem
        return Phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


class Urls:
    """A link; https is added where no scheme was written."""

    kinds = KINDS["message"]

    def parse(self, delivery: Delivery) -> Url:
        """Return the link."""
        problem = say_again("url", example="https://example.com")
        text = (delivery.text or "").strip()
        text = text if "://" in text else f"https://{text}"
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise problem from None
        is_number = re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", host)
        if parts.scheme not in ("http", "https") or " " in text or len(text) > 2048:
            raise problem
        if not (_HOST.fullmatch(host) or is_number or host == "localhost" or ":" in host):
            raise problem
        return Url(text)
