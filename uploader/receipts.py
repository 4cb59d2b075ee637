"""Which receipts count: those that fit the contract and, where that is asked for, are signed.

A receipt lets a box forget a case. Whoever may write below ``dn/`` can forge one; a signature
takes more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge.errors import Code, ContractError, GridpatrolError
from edge.signing import Signature, Verifier
from uploader.contract.messages import ReceiptData, ReceiptEvent, read
from uploader.transport import Arrived


def readable(
    messages: Sequence[Arrived],
    report: Callable[[GridpatrolError], None],
    verifier: Verifier | None = None,
) -> list[ReceiptData]:
    """The receipts that count, in the order they came.

    Args:
        messages: as they came on ``dn/receipt``.
        report: told of each that does not fit (MSG-001) or is not signed as it must be (SEC-002):
            it settles nothing, and the row is sent again.
        verifier: the platform's keys; None: receipts need no signature.
    """
    found = []
    for message in messages:
        try:
            if verifier is not None:
                _check(message, verifier)
            found.append(read(ReceiptEvent, message.payload, message.topic).data)
        except ContractError as fault:
            report(fault)
    return found


def _check(message: Arrived, verifier: Verifier) -> None:
    signature = verifier.check(message.payload, message.user)
    if signature is not Signature.VALID:
        raise ContractError(
            Code.SEC_UNSIGNED,
            message.topic,
            f"the signature of a receipt is {signature}; it settles nothing",
            "Let the platform sign receipts with a key of mqtt.trusted_keys, or unset"
            " mqtt.signed_receipts",
        )
