"""Does everything run? Facts gathered, judged against limits, told in plain words."""
