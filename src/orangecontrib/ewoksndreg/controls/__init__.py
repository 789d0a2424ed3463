"""What the widgets of this category are made of. Orange looks for widgets beside this package
only, not inside."""
