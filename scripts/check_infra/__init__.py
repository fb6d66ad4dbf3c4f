"""Checks what `azd up` would deploy without Azure and without Bicep's compiler, which neither PyPI nor npm has."""
