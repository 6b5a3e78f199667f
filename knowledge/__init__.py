"""What is true: the rules, the law, and the reasoning over them."""
