"""From v and k to emotions: mixture of experts (eqs. 6, 7) and CLIEA (eqs. 8 to 11)."""
