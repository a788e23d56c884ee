#!/bin/sh
# Tells the virtual care service of a recording that Jibri has finished.
#
#   finalize.sh FOLDER   what Jibri runs: notes the recording in the spool, delivers in the background, exits with 0
#   finalize.sh --flush  delivers what is due in the spool; for cron, every minute
#   finalize.sh --flush-now  the same, due or not: after an outage
#
# Jibri runs this once, waits for it, and only logs how it ended. So nothing is delivered before it is noted, and
# whatever is not acknowledged stays in the spool. A recording waits as long again as it has waited already before it is
# tried anew: at least a minute, at most an hour. What the service calls wrong (400, 422) goes to SPOOL/refused, for a
# person.
#
# Variables, and the files they name, must be readable for the user that Jibri runs as, uid 1000. Of its folders only /storage
# can be written to for certain.
#   VCARE_INTERNAL_URL         the service, without /internal
#   VCARE_INTERNAL_TOKEN_FILE  its bearer token          (default /run/vcare/internal_token)
#   VCARE_JIBRI_SPOOL          where recordings are noted (default /storage/vcare-spool)
set -u
umask 077

spool="${VCARE_JIBRI_SPOOL:-/storage/vcare-spool}"
token_file="${VCARE_INTERNAL_TOKEN_FILE:-/run/vcare/internal_token}"
now="$(date +%s)"

log() { printf 'vcare-finalize: %s\n' "$*" >&2; }

# note FOLDER: the time in the name orders them, and says how long one has waited.
note() {
    folder="${1%/}"
    entry="$now-$(basename "$folder").entry"
    # Whole or not at all.
    printf '%s\n' "$folder" >"$spool/.$entry" && mv "$spool/.$entry" "$spool/$entry"
}

# What else than media is in a recording's folder: what Jibri notes there, and what we do.
place=vcare-storage-folder

# One line of JSON for each media file in FOLDER.
files() {
    for file in "$1"/*; do
        [ -f "$file" ] || continue
        name="$(basename "$file")"
        [ "$name" != metadata.json ] && [ "$name" != "$place" ] || continue
        sum="$(sha256sum <"$file")" || return 1
        jq -cn --arg name "$name" --argjson size "$(wc -c <"$file")" --arg sum "${sum%% *}" \
            '{name: $name, size: $size, sha256: $sum}' || return 1
    done
}

# When the recording began: Jibri writes it into the name, in the container's time zone.
started() {
    for file in "$1"/*_????-??-??-??-??-??.*; do
        [ -f "$file" ] || continue
        stamp="$(basename "$file" | sed 's/.*_\(....-..-..\)-\(..\)-\(..\)-\(..\)\.[^.]*$/\1 \2:\3:\4/')"
        at="$(date -d "$stamp" +%s 2>/dev/null)" && break
    done
    # No media: then it is known only when Jibri last wrote there.
    [ -n "${at:-}" ] || at="$(stat -c %Y "$1" 2>/dev/null)" || at="$now"
    date -u -d "@$at" +%Y-%m-%dT%H:%M:%SZ
}

# The message about FOLDER. Of the metadata's people only the ids go out: the service needs no names. A storage key lies below
# the tenant and the room, in lower case as Jitsi reads both: the service takes no other.
message() {
    metadata='{}'
    if [ -f "$1/metadata.json" ]; then
        metadata="$(jq -c 'objects' "$1/metadata.json" 2>/dev/null)"
        [ -n "$metadata" ] || { log "$1/metadata.json is no JSON object"; metadata='{}'; }
    fi
    listed="$(files "$1")" || return 1
    printf '%s' "$listed" | jq -cs --argjson metadata "$metadata" --arg at "$(started "$1")" --arg session "$(basename "$1")" '
        ($metadata.meeting_url // "" | tostring | sub("[?#].*$"; "") | split("/") | .[3:] | map(select(. != ""))) as $path
        | (first(.[].name | capture("^(?<call>.*)_[0-9-]{19}\\.[^.]*$").call) // null) as $call
        | ($path | last // $call) as $room
        | (if ($path | length) > 1 then $path[-2] else null end) as $tenant
        | ([$tenant, $room] | map(values | ascii_downcase) + [$session] | join("/")) as $folder
        | {
            room: $room,
            tenant: $tenant,
            startedAt: $at,
            files: map(. + {storageKey: ($folder + "/" + .name)}),
            metadata: ($metadata + {recordingSessionId: $session}
                | if (.participants | type) == "array"
                  then .participants |= map({id: (.user.id? // .id? // null)}) else . end)
        }'
}

# placed FOLDER FILE: notes beside the media where in the storage they belong, for whatever copies them there.
placed() {
    [ -d "$1" ] || return 0
    jq -r '.files[0].storageKey // empty | sub("/[^/]*$"; "")' "$2" >"$1/$place"
}

# deliver FILE: sends it and prints the status; 000 when there was no answer.
deliver() {
    # On standard input, because arguments are seen by everybody on the machine.
    printf 'header = "Authorization: Bearer %s"\n' "$(cat "$token_file")" | curl --config - --silent --output /dev/null \
        --write-out '%{http_code}' --connect-timeout 5 --max-time 30 --request POST \
        --header 'Content-Type: application/json' --data-binary "@$1" \
        "$VCARE_INTERNAL_URL/internal/jibri/recordings"
}

# flush WHICH: tries what is due, or all.
flush() {
    [ -n "${VCARE_INTERNAL_URL:-}" ] || { log "VCARE_INTERNAL_URL is not set"; return 1; }
    [ -r "$token_file" ] || { log "$token_file cannot be read"; return 1; }
    for entry in "$spool"/*.entry; do
        [ -f "$entry" ] || continue
        name="$(basename "$entry" .entry)"
        # The entry's time is the next try's.
        [ "$1" = all ] || [ "$(stat -c %Y "$entry")" -le "$now" ] || continue
        # Hashed once: what was delivered late, or moved meanwhile, is still told as it was.
        text="$spool/$name.json"
        if [ ! -f "$text" ]; then
            folder="$(cat "$entry")"
            message "$folder" >"$spool/.$name" && placed "$folder" "$spool/.$name" && mv "$spool/.$name" "$text"
        fi
        status=000
        [ ! -f "$text" ] || status="$(deliver "$text")" || status=000
        case "$status" in
            2??)
                rm -f "$entry" "$text"
                log "$name delivered"
                ;;
            400 | 422)
                mkdir -p "$spool/refused" && mv "$entry" "$text" "$spool/refused/"
                log "$name refused: $status"
                ;;
            *)
                wait="$((now - ${name%%-*}))"
                [ "$wait" -ge 60 ] || wait=60
                [ "$wait" -le 3600 ] || wait=3600
                touch -d "@$((now + wait))" "$entry"
                log "$name not delivered: $status; again in $wait s"
                ;;
        esac
    done
}

mkdir -p "$spool" || exit 1
case "${1:-}" in
    --flush | --flush-now)
        which=due
        [ "$1" = --flush ] || which=all
        # One at a time. Who comes second waits, and finds little left to do.
        exec 9>"$spool/.lock"
        flock -w 600 9 || exit 1
        flush "$which"
        ;;
    '' | -*)
        sed -n '2,6s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
    *)
        note "$1" || { log "$1 could not be noted in $spool"; exit 1; }
        # Jibri takes no other call before this ends; hashing and a slow service are not its business.
        setsid "$0" --flush </dev/null >>"$spool/flush.log" 2>&1 &
        ;;
esac
