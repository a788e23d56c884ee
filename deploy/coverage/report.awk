# How many lines of each crate were run, and where that is too few. After the program's own files (*.rs), which tell what is a
# test, comes what llvm-cov exports (lcov). Variables: root, the checkout; not_run, a file for the lines that no test ran.

function group(path) {
    if (path ~ /^bins\//) return "programs"
    if (path ~ /\/vcare-domain$/) return "domain"
    if (path ~ /\/vcare-app$/) return "app"
    return "adapters"
}

function row(kind, name, run, of, wanted) {
    printf "  %-9s %-25s %6d of %6d lines  %5.1f %%  at least %d %%\n", kind, name, run, of, 100 * run / of, wanted
    if (100 * run < wanted * of) miss(kind, sprintf("%s has %.2f %%, at least %d %% is asked for", name, 100 * run / of, wanted))
}

function miss(kind, what) { missed = missed "\n  " kind ": " what }

BEGIN {
    least["domain"] = 95; least["app"] = 85; least["adapters"] = 75; least["programs"] = 70; least["all"] = 85
}

# Tests beside the code: modules in the same file, up to a brace in the first column; and modules in files of their own.
FILENAME ~ /\.rs$/ {
    if (FNR == 1) {
        inside = marked = 0
        split(FILENAME, part, "/")
        crate = part[1] "/" part[2]
        if (!(crate in known)) { known[crate]; order[++crates] = crate }
    }
    if (marked && /^(pub(\([a-z]+\))? )?mod [a-z_0-9]+;/) {
        folder = FILENAME
        sub(/\/(mod|lib|main)\.rs$|\.rs$/, "", folder)
        name = $0
        sub(/;.*/, "", name)
        sub(/.* /, "", name)
        tests[folder "/" name]
    }
    if (marked && /^(pub(\([a-z]+\))? )?mod [a-z_0-9]+ \{/) inside = 1
    if (inside) beside[FILENAME, FNR]
    if (/^}/) inside = 0
    marked = /^#\[cfg\(test\)\]/
    next
}

/^SF:/ {
    path = substr($0, 4)
    if (index(path, root "/") == 1) path = substr(path, length(root) + 2)
    split(path, part, "/")
    crate = part[1] "/" part[2]
    counted = (crate in known) && part[3] == "src"
    for (test in tests) if (index(path, test ".rs") == 1 || index(path, test "/") == 1) counted = 0
}

counted && /^DA:/ {
    split(substr($0, 4), line, ",")
    if ((path, line[1]) in beside) next
    lines[crate]++
    if (line[2] > 0) run[crate]++
    else print path ":" line[1] >not_run
}

END {
    count = split("domain app adapters programs", groups, " ")
    print "Lines that tests run:"
    for (g = 1; g <= count; g++) {
        for (c = 1; c <= crates; c++) {
            crate = order[c]
            if (group(crate) != groups[g]) continue
            name = crate
            sub(/.*\//, "", name)
            if (!lines[crate]) { miss(groups[g], "nothing was counted of " name); continue }
            row(groups[g], name, run[crate], lines[crate], least[groups[g]])
            all_run += run[crate]; all_lines += lines[crate]
        }
    }
    if (!all_lines) { print "nothing was counted"; exit 1 }
    row("all", "together", all_run, all_lines, least["all"])
    if (missed != "") { print "Too few:" missed; exit 1 }
}
