//! Where something is: LOC records (RFC 1876).

use core::fmt;

use super::cursor::Cursor;

/// A place on the Earth, with the size of what is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Location {
    /// Diameter, and how exact the place is across and in height.
    sizes: [Size; 3],
    /// In thousandths of a second of arc, from the equator and from Greenwich.
    latitude: i64,
    longitude: i64,
    /// In centimetres, above the reference spheroid.
    altitude: i64,
}

impl Location {
    pub(super) fn read(data: &mut Cursor<'_>) -> Option<Self> {
        let 0 = data.u8()? else { return None };
        let mut size = || Size::read(data.u8()?);
        let sizes = [size()?, size()?, size()?];
        let mut angle = || Some(i64::from(data.u32()?) - MIDDLE);
        let (latitude, longitude) = (angle()?, angle()?);
        let altitude = i64::from(data.u32()?) - LOWEST;
        let on_earth = latitude.abs() <= 90 * DEGREE && longitude.abs() <= 180 * DEGREE;
        on_earth.then_some(Self {
            sizes,
            latitude,
            longitude,
            altitude,
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (angle, [ahead, behind]) in [(self.latitude, ['N', 'S']), (self.longitude, ['E', 'W'])]
        {
            let half = if angle < 0 { behind } else { ahead };
            let angle = angle.abs();
            let (degrees, minutes) = (angle / DEGREE, angle / 60_000 % 60);
            let (seconds, thousandths) = (angle / 1000 % 60, angle % 1000);
            write!(f, "{degrees} {minutes} {seconds}.{thousandths:03} {half} ")?;
        }
        let (sign, height) = (
            if self.altitude < 0 { "-" } else { "" },
            self.altitude.abs(),
        );
        write!(f, "{sign}{}.{:02}m", height / 100, height % 100)?;
        self.sizes.iter().try_for_each(|size| write!(f, " {size}"))
    }
}

/// A length: a digit of centimetres, with zeros behind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Size(u64);

impl Size {
    fn read(byte: u8) -> Option<Self> {
        let (digit, zeros) = (byte >> 4, byte & 0xf);
        (digit <= 9 && zeros <= 9).then(|| Self(u64::from(digit) * 10u64.pow(zeros.into())))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (metres, 0) => write!(f, "{metres}m"),
            (metres, rest) => write!(f, "{metres}.{rest:02}m"),
        }
    }
}

/// An angle of zero.
const MIDDLE: i64 = 1 << 31;
const DEGREE: i64 = 3_600_000;
/// 100 km below the spheroid.
const LOWEST: i64 = 10_000_000;

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    fn read(data: &[u8]) -> Option<Location> {
        Location::read(&mut Cursor::new(data, 0))
    }

    #[test]
    fn a_place_is_written_as_in_the_rfc() {
        let place = b"\0\x33\x16\x13\x89\x17\x2d\xd0\x70\xbe\x15\xf0\0\x98\x8d\x20";
        assert_eq!(
            read(place).expect("a place").to_string(),
            "42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m"
        );
    }

    #[test]
    fn a_place_off_the_earth_is_refused() {
        assert_eq!(
            read(b"\0\x33\x16\x13\xff\xff\xff\xff\x70\xbe\x15\xf0\0\x98\x8d\x20"),
            None
        );
        assert_eq!(
            read(b"\x01\x33\x16\x13\x89\x17\x2d\xd0\x70\xbe\x15\xf0\0\x98\x8d\x20"),
            None
        );
        assert_eq!(
            read(b"\0\xa3\x16\x13\x89\x17\x2d\xd0\x70\xbe\x15\xf0\0\x98\x8d\x20"),
            None
        );
    }
}
