"""What a figure counts beside memory and reach, a constraint a file (REQUIREMENTS B8); see `rules`."""
