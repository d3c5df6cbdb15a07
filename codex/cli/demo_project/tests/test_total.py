"""Totals."""

import unittest

from invoice.total import Line, total


class Totals(unittest.TestCase):
    def test_an_empty_invoice_costs_nothing(self) -> None:
        self.assertEqual(total([]), 0)

    def test_every_rate_is_added_to_the_net_price(self) -> None:
        for rate, expected in (("standard", 11900), ("reduced", 10700), ("zero", 10000)):
            self.assertEqual(total([Line("a thing", 10000, rate)]), expected, f"rate {rate!r}")

    def test_lines_with_different_rates_add_up(self) -> None:
        lines = [Line("a lamp", 5000), Line("a stamp", 85, "zero")]
        self.assertEqual(total(lines), 6035)

    def test_an_unknown_rate_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "no tax rate 'luxury'"):
            total([Line("a yacht", 1, "luxury")])


if __name__ == "__main__":
    unittest.main()
