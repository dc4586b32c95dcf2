"""An election day with known truth. Nothing of the product imports it but the demo."""
