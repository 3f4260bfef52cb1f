// The current time in any time zone, and the time between two dates. Rust, without crates.

#[path = "../../plugins/rust/sesame.rs"]
mod sesame;
use sesame::{Host, Object, Plugin, Tool};

struct Time {
    zone: String,   // when a call names none
    folder: String, // of the zone files
}

impl Tool for Time {
    const FUNCTIONS: &'static str = r#"{"functions":[
        {"name":"current_time","description":"The current date, time and weekday in a time zone.",
         "parameters":{"type":"object","additionalProperties":false,"properties":{
            "zone":{"type":"string","description":"Such as Asia/Shanghai, Europe/Berlin or UTC."}}}},
        {"name":"time_between","description":"How far apart two dates or times are.",
         "parameters":{"type":"object","additionalProperties":false,"required":["from","to"],"properties":{
            "from":{"type":"string","description":"Such as 2026-11-25 or 2026-11-25T08:30:00+08:00."},
            "to":{"type":"string"}}}}]}"#;

    fn create(config: &Object) -> Option<Time> {
        Some(Time { zone: config.get("/zone")?, folder: config.get("/zone_folder")? })
    }

    fn run(&self, host: &Host, function: &str, arguments: &Object) -> Result<String, String> {
        if function == "time_between" {
            let text = |name: &str| arguments.get(name).ok_or(format!("{} is missing", name));
            return between(&text("/from")?, &text("/to")?);
        }
        if function != "current_time" {
            return Err("this tool has no such function".into());
        }
        let zone = arguments.get("/zone").unwrap_or_else(|| self.zone.clone());
        let now_s = host.now_s();
        zone_at(&self.folder, &zone, now_s).map(|offset| describe(&zone, now_s, &offset))
    }
}

// ---- dates (proleptic Gregorian; days are counted from 1970-01-01) ------------------------------

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn month_len(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + is_leap(year) as i64,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// A year of this count begins in March, so that the leap day is its last one.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let y = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + day_of_year - 719468
}

fn date_of(days: i64) -> (i64, i64, i64) {
    let z = days + 719468;
    let era = z.div_euclid(146097);
    let in_era = z.rem_euclid(146097);
    let year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let m = (5 * in_year + 2) / 153;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (year + era * 400 + (month <= 2) as i64, month, in_year - (153 * m + 2) / 5 + 1)
}

// "2026-11-25", "2026-11-25T08:30", with ":15" and "Z" or "+08:00": days, second of the day, offset.
fn parse_time(words: &str) -> Option<(i64, i64, Option<i64>)> {
    let number = |part: Option<&str>, most: i64| -> Option<i64> {
        let digits = part.filter(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse().ok().filter(|n| *n <= most)
    };
    let (date, rest) = (words.get(..10)?, words.get(10..)?);
    let (year, month, day) =
        (number(date.get(..4), 9999)?, number(date.get(5..7), 12)?, number(date.get(8..), 31)?);
    if (&date[4..5], &date[7..8]) != ("-", "-") || month < 1 || day < 1 || day > month_len(year, month) {
        return None;
    }
    if rest.is_empty() {
        return Some((days_of(year, month, day), 0, None));
    }
    let time = rest.strip_prefix(|c| c == 'T' || c == 't' || c == ' ')?;
    let end = time.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(time.len());
    let hms = |part: &str| -> Option<i64> {
        let mut parts = part.splitn(3, ':');
        let (h, m) = (number(parts.next(), 23)?, number(parts.next(), 59)?);
        Some(h * 3600 + m * 60 + parts.next().map_or(Some(0), |s| number(Some(s), 59))?)
    };
    let offset = match &time[end..] {
        "" => None,
        "Z" | "z" => Some(0),
        sign if sign.starts_with('+') => Some(hms(&sign[1..])?),
        sign if sign.starts_with('-') => Some(-hms(&sign[1..])?),
        _ => return None,
    };
    Some((days_of(year, month, day), hms(&time[..end])?, offset))
}

// The whole years, months and days from one day to a later one.
fn calendar(from: i64, to: i64) -> (i64, i64, i64) {
    let ((y1, m1, d1), (y2, m2, d2)) = (date_of(from), date_of(to));
    let months = (y2 - y1) * 12 + m2 - m1 - (d2 < d1) as i64;
    let (year, month) = (y1 + (m1 - 1 + months) / 12, (m1 - 1 + months) % 12 + 1);
    (months / 12, months % 12, to - days_of(year, month, d1.min(month_len(year, month))))
}

fn between(from: &str, to: &str) -> Result<String, String> {
    let form =
        |words: &str| format!("{:?} is no date or time like 2026-11-25 or 2026-11-25T08:30:00+08:00", words);
    let (a, b) = (parse_time(from).ok_or_else(|| form(from))?, parse_time(to).ok_or_else(|| form(to))?);
    if a.2.is_some() != b.2.is_some() {
        return Err("one of the two says how far it is from UTC, the other does not".into());
    }
    let seconds = |t: (i64, i64, Option<i64>)| t.0 * 86400 + t.1 - t.2.unwrap_or(0);
    let (first, last) = (seconds(a).min(seconds(b)), seconds(a).max(seconds(b)));
    let whole = (last - first) / 86400;
    let (years, months, days) = calendar(first.div_euclid(86400), first.div_euclid(86400) + whole);
    let calendar = format!("{{\"years\":{},\"months\":{},\"days\":{}}}", years, months, days);
    Ok(format!(
        "{{\"is_earlier\":{},\"days\":{},\"and_seconds\":{},\"calendar\":{}}}",
        seconds(b) < seconds(a),
        whole,
        (last - first) % 86400,
        calendar
    ))
}

// ---- zones -----------------------------------------------------------------------------------------

// Cuts what fits off the front of `rest`.
fn take<'a>(rest: &mut &'a str, fits: impl Fn(char) -> bool) -> &'a str {
    let (front, back) = rest.split_at(rest.find(|c| !fits(c)).unwrap_or(rest.len()));
    *rest = back;
    front
}

fn take_name(rest: &mut &str) -> Option<String> {
    let name = if let Some(quoted) = rest.strip_prefix('<') {
        *rest = quoted;
        let name = take(rest, |c| c != '>');
        *rest = rest.strip_prefix('>')?;
        name
    } else {
        take(rest, |c| c.is_ascii_alphabetic())
    };
    if name.is_empty() {
        None
    } else {
        Some(name.into())
    }
}

// "-3", "+5:30", "26:00:00": in seconds.
fn take_time(rest: &mut &str) -> Option<i64> {
    let sign = take(rest, |c| c == '-' || c == '+');
    let (mut seconds, mut unit) = (0, 3600);
    for part in take(rest, |c| c.is_ascii_digit() || c == ':').split(':') {
        seconds += part.parse::<i64>().ok().filter(|n| *n < 1000)? * unit;
        unit /= 60;
    }
    Some(if sign == "-" { -seconds } else { seconds })
}

// "M10.5.0/3", "J60", "59/-1": local seconds since 1970 in that year.
fn take_change(rest: &mut &str, year: i64) -> Option<i64> {
    *rest = rest.strip_prefix(',')?;
    let kind = take(rest, |c| c == 'M' || c == 'J');
    let numbers: Vec<i64> =
        take(rest, |c| c.is_ascii_digit() || c == '.').split('.').filter_map(|n| n.parse().ok()).collect();
    let day = match (kind, numbers.as_slice()) {
        ("M", [month @ 1..=12, week @ 1..=5, weekday @ 0..=6]) => {
            let first = days_of(year, *month, 1);
            let day = (weekday - first - 4).rem_euclid(7) + (week - 1) * 7;
            first + if day < month_len(year, *month) { day } else { day - 7 }
        }
        ("J", [n @ 1..=365]) => days_of(year, 1, 1) + n - 1 + (is_leap(year) && *n >= 60) as i64,
        ("", [n @ 0..=365]) => days_of(year, 1, 1) + n,
        _ => return None,
    };
    let time = rest.strip_prefix('/');
    *rest = time.unwrap_or(rest);
    Some(day * 86400 + if time.is_some() { take_time(rest)? } else { 7200 })
}

// The offset and its name by a rule like "CET-1CEST,M3.5.0,M10.5.0/3" (RFC 8536, section 3.3.1).
fn by_rule(mut rest: &str, now_s: i64) -> Option<(i64, String)> {
    let (name, offset) = (take_name(&mut rest)?, -take_time(&mut rest)?);
    if rest.is_empty() {
        return Some((offset, name));
    }
    let summer = take_name(&mut rest)?;
    let summer_offset = if rest.starts_with(',') { offset + 3600 } else { -take_time(&mut rest)? };
    let year = date_of((now_s + offset).div_euclid(86400)).0;
    let (start, end) =
        (take_change(&mut rest, year)? - offset, take_change(&mut rest, year)? - summer_offset);
    let is_summer = if start < end { start <= now_s && now_s < end } else { now_s < end || start <= now_s };
    Some(if is_summer { (summer_offset, summer) } else { (offset, name) })
}

// By a zone file (RFC 8536): its second block has 64-bit times, and a rule for later ones behind it.
fn by_file(file: &[u8], now_s: i64) -> Option<(i64, String)> {
    let number = |at: usize, len: usize| -> Option<i64> {
        let bytes = file.get(at..at + len)?;
        let first = if len > 1 { bytes[0] as i8 as i64 } else { bytes[0] as i64 };
        Some(bytes[1..].iter().fold(first, |n, byte| n << 8 | *byte as i64))
    };
    let counts = |at: usize| -> Option<Vec<usize>> {
        (0..6).map(|i| Some(number(at + 20 + i * 4, 4)?.max(0) as usize)).collect()
    };
    let size =
        |c: &[usize], time: usize| 44 + c[3] * (time + 1) + c[4] * 6 + c[5] + c[2] * (time + 4) + c[1] + c[0];
    if !file.starts_with(b"TZif") || *file.get(4)? < b'2' {
        return None;
    }
    let block = size(&counts(0)?, 4);
    let c = counts(block)?;
    let (times, kinds) = (block + 44, block + 44 + c[3] * 8);
    let (infos, names) = (kinds + c[3], kinds + c[3] + c[4] * 6);
    let rule = std::str::from_utf8(file.get(block + size(&c, 8)..)?).ok()?.trim_matches('\n');
    let passed = (0..c[3]).take_while(|i| number(times + i * 8, 8).map_or(false, |t| t <= now_s)).count();
    if passed == c[3] && !rule.is_empty() {
        return by_rule(rule, now_s);
    }
    let info = infos + 6 * if passed == 0 { 0 } else { number(kinds + passed - 1, 1)? as usize };
    let name = file.get(names + number(info + 5, 1)? as usize..)?.split(|byte| *byte == 0).next()?;
    Some((number(info, 4)?, String::from_utf8_lossy(name).into()))
}

fn zone_at(folder: &str, zone: &str, now_s: i64) -> Result<(i64, String), String> {
    let is_name =
        zone.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-/".contains(&b)) && !zone.starts_with('/');
    if zone == "UTC" {
        return Ok((0, "UTC".into()));
    }
    let file = if is_name {
        std::fs::read(format!("{}/{}", folder, zone))
    } else {
        Err(std::io::ErrorKind::NotFound.into())
    };
    match file {
        Ok(bytes) => by_file(&bytes, now_s)
            .ok_or_else(|| format!("the file of the time zone {} cannot be understood", zone)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("there is no time zone {:?}; names are like Asia/Shanghai", zone))
        }
        Err(_) => Err("only UTC is known here: zone files cannot be read, as in a process of its own".into()),
    }
}

fn describe(zone: &str, now_s: i64, at: &(i64, String)) -> String {
    let local = now_s + at.0;
    let ((year, month, day), s) = (date_of(local.div_euclid(86400)), local.rem_euclid(86400));
    let (sign, m) = (if at.0 < 0 { '-' } else { '+' }, at.0.abs() / 60);
    let weekday = WEEKDAYS[(local.div_euclid(86400) + 4).rem_euclid(7) as usize];
    let time =
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", year, month, day, s / 3600, s / 60 % 60, s % 60);
    let offset = format!("{}{:02}:{:02}", sign, m / 60, m % 60);
    format!(
        "{{\"time\":\"{}{}\",\"weekday\":\"{}\",\"zone\":\"{}\",\"abbreviation\":\"{}\"}}",
        time, offset, weekday, zone, at.1
    )
}

#[no_mangle]
#[allow(non_upper_case_globals)] // the contract's name
pub static sesame_plugin_v1: Plugin = Plugin::of::<Time>(
    "time\0",
    "0.1.0\0",
    "The current time in any time zone, and the time between two dates\0",
    concat!(
        r#"{"type":"object","additionalProperties":false,"properties":{
        "zone":{"type":"string","default":"UTC"},
        "zone_folder":{"type":"string","pattern":"^/","default":"/usr/share/zoneinfo"}}}"#,
        "\0"
    ),
);
