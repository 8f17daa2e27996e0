SELECT time,
       time_received,
       time_device,
       exporter AS by_exporter,
       host AS by_host,
       severity AS by_severity,
       program AS by_program,
       event AS by_event,
       component AS by_component,
       message AS by_message
FROM logs
WHERE time >= toDateTime('2026-11-16 06:00:00', 'UTC') AND time < toDateTime('2026-11-16 12:00:00', 'UTC')
  AND (hasAllTokens(lowerUTF8(message), lowerUTF8('ge 0 0 1 down')) AND match(message, '(?i)(?:^|[^0-9A-Za-z])ge\\x2d0\\x2f0\\x2f1(?:$|[^0-9A-Za-z])') AND match(message, '(?i)(?:^|[^0-9A-Za-z])inter')) AND severity <= 3 AND NOT (match(program, '^rpd'))
  AND time <= toDateTime64('2026-11-16 10:00:00.123456', 6, 'UTC')
ORDER BY time DESC, logs.time_received, logs.exporter, logs.process_id, logs.message
LIMIT 20 OFFSET 2
