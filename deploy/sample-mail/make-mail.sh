#!/bin/sh
# Generates a Maildir with artificial messages: `sh make-mail.sh FOLDER COUNT`. Every fourth is in Archive, every third
# is unread, and most answer an earlier one, so that there are threads.
set -eu
folder=$1
count=$2

mkdir -p "$folder/cur" "$folder/new" "$folder/tmp" "$folder/.Archive/cur" "$folder/.Archive/new" "$folder/.Archive/tmp"
i=1
while [ "$i" -le "$count" ]; do
  case $((i % 4)) in 0) into=$folder/.Archive/cur ;; *) into=$folder/cur ;; esac
  case $((i % 3)) in 0) flags= ;; *) flags=S ;; esac
  thread=$((i / 5))
  time=$((1700000000 + i * 3600))
  {
    echo "Message-ID: <sample-$i@sample.invalid>"
    [ $((i % 5)) -eq 0 ] || echo "In-Reply-To: <sample-$((thread * 5))@sample.invalid>"
    echo "Date: $(date -u -d "@$time" '+%a, %d %b %Y %H:%M:%S +0000')"
    echo "From: Person $((i % 17)) <person-$((i % 17))@sample.invalid>"
    echo 'To: Sample <sample@sample.invalid>'
    echo "Subject: Tide table $thread"
    echo 'Content-Type: text/plain; charset=utf-8'
    echo
    echo "High water at hour $((i % 24)), low water six hours and twelve minutes later. Message $i of $count."
  } >"$into/$time.$i.sample:2,$flags"
  i=$((i + 1))
done
