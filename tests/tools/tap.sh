# For the tests that are shell scripts: prints their results as TAP. Sourced.

tap_count=0

# check DESCRIPTION COMMAND...: passes when the command succeeds; shows what it printed when not.
check() {
    tap_description=$1
    shift
    tap_count=$((tap_count + 1))
    if tap_printed=$("$@" 2>&1); then
        echo "ok $tap_count - $tap_description"
    else
        echo "not ok $tap_count - $tap_description"
        printf '%s\n' "$tap_printed" | sed 's/^/# /'
    fi
}

# skip DESCRIPTION WHY: says that a check cannot be done here.
skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all WHY: ends the test when none of it can be done here.
skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

# Prints how many checks there were: the last command of every test.
done_testing() {
    echo "1..$tap_count"
}
