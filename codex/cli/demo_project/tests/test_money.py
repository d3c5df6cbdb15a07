"""Amounts."""

import unittest

from invoice.money import share, shown


class Money(unittest.TestCase):
    def test_half_a_cent_is_rounded_up(self) -> None:
        self.assertEqual(share(150, 7), 11)
        self.assertEqual(share(149, 7), 10)

    def test_amounts_are_shown_with_two_digits(self) -> None:
        self.assertEqual(shown(123450), "1,234.50")
        self.assertEqual(shown(5), "0.05")


if __name__ == "__main__":
    unittest.main()
