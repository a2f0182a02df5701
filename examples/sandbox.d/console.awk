# Reads what a guest printed, one file a host, as guest.c writes it. With
# list=1 prints the numbers in order, else "LAST HOST BOOTS RETRIES" and then what is wrong.

function wrong(text) {
    if (!times[text]++) {
        problems[++count] = text
    }
}

FNR == 1 {
    host = FILENAME
    sub(/\/log\/console\/.*/, "", host)
    sub(/.*\//, "", host)
    before = 0
}

{ sub(/\r$/, "") }

/^retry / { retries++ }

/^fail / { wrong("on " host ": " $0) }

# A line cut in two by a move is not the right length, or does not add up.
/^(boot|from|tick|tock|stop|halt) [0-9]+ [0-9]+$/ && length($0) == 22 && $2 + $3 == 99999999 {
    number = $2 + 0
    if ($1 ~ /^(tick|tock)$/) {
        if (($1, number) in seen_on) {
            if (!doubles++) {
                first = "tick " number " was printed twice: on " seen_on[$1, number] " and on " host
            }
        }
        seen_on[$1, number] = host
        where[number] = host
        if (number < before) {
            wrong("on " host " tick " number " came after tick " before)
        }
        before = number
        last = number > last ? number : last
    } else if ($1 ~ /^(boot|from)$/) {
        boots += $1 == "boot"
        booted[number] = host
    } else {
        stopped[number] = host
    }
}

END {
    if (doubles) {
        wrong(first (doubles > 2 ? ", and more" : ""))
    }
    # A guest killed between its disk and its console says so when it boots again.
    for (number = 1; number <= last; number++) {
        if (!(number in where) && !(number in booted)) {
            if (!lost++) {
                first = "tick " number " was never printed"
            }
        }
    }
    if (lost) {
        wrong(first (lost > 1 ? ", and " (lost - 1) " more" : ""))
    }
    if (!list) {
        print last + 0, (last in where ? where[last] : "-"), boots + 0, retries + 0
        for (i = 1; i <= count; i++) {
            text = problems[i]
            print text (times[text] > 1 ? " (" times[text] " times)" : "")
        }
        exit
    }
    for (number = 0; number <= last; number++) {
        if (number in where) { print where[number], "tick", number }
        if (number in stopped) { print stopped[number], "stop", number }
        if (number in booted) { print booted[number], "boot", number }
    }
}
