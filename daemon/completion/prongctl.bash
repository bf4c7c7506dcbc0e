# Completion of prongctl's command lines in bash.  prongctl knows what there is; this only asks it.
# shellcheck shell=bash

_prongctl()
{
    local -a words=()
    local i word
    # bash splits words at "=": they are joined again.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ ${#words[@]} -gt 0 && ($word == = || ${words[-1]} == --*=) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done

    local last=${words[-1]-} value
    value=${last#--*=}
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        if [[ $word == :files ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$value")
            continue
        fi
        # An option whose value follows.
        [[ $word != *= ]] || compopt -o nospace 2>/dev/null
        # Of --option=value bash replaces the value.
        [[ $last != --*=* ]] || word=${word#--*=}
        COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" --complete "${words[@]}" 2>/dev/null)
}

complete -F _prongctl prongctl
