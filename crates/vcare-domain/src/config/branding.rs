//! How a tenant's video pages look.

use std::fmt;

use crate::text::HttpsUrl;

/// How a tenant's video pages look; what is not set looks as the server's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Branding {
    /// The logo, https.
    pub logo_url: Option<HttpsUrl>,
    /// The colour of buttons and links.
    pub primary_color: Option<CssHexColor>,
}

/// A CSS hex colour: `#rgb` or `#rrggbb`, kept as lower-case `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CssHexColor([u8; 3]);

/// Not a CSS hex colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a CSS hex colour, as #1a73e8")]
pub struct InvalidColor;

impl CssHexColor {
    /// Checks a colour. Nothing but hex digits passes, so that no other CSS gets into a page.
    ///
    /// # Errors
    /// [`InvalidColor`].
    pub fn parse(text: &str) -> Result<Self, InvalidColor> {
        let digits = text.strip_prefix('#').ok_or(InvalidColor)?;
        let nibbles: Option<Vec<u8>> =
            digits.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        match nibbles.as_deref() {
            Some(&[r, g, b]) => Ok(Self([r * 17, g * 17, b * 17])),
            Some(&[r1, r2, g1, g2, b1, b2]) => Ok(Self([r1 << 4 | r2, g1 << 4 | g2, b1 << 4 | b2])),
            _ => Err(InvalidColor),
        }
    }

    /// The colour, darkened as far as a text of it needs to be read on white, and white on it: a contrast of 4.5 to 1, as WCAG
    /// has it.
    #[must_use]
    pub fn readable_on_white(self) -> Self {
        let darker = (0..=100).step_by(4).map(|percent| self.shaded(-percent));
        darker.into_iter().find(|color| 1.05 / (color.luminance() + 0.05) >= 4.5).unwrap_or(Self([0; 3]))
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// The same colour with a share of black (negative) or white (positive) in it, in percent.
    #[must_use]
    pub fn shaded(self, percent: i16) -> Self {
        let percent = percent.clamp(-100, 100);
        let towards: i16 = if percent < 0 { 0 } else { 255 };
        Self(self.0.map(|channel| {
            let channel = i16::from(channel);
            let shaded = i32::from(channel) + i32::from(towards - channel) * i32::from(percent.abs()) / 100;
            u8::try_from(shaded.clamp(0, 255)).unwrap_or(u8::MAX)
        }))
    }
}

impl fmt::Display for CssHexColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hex_colours_pass() {
        for (given, kept) in [("#1A73E8", "#1a73e8"), ("#fff", "#ffffff"), ("#07a", "#0077aa")] {
            assert_eq!(CssHexColor::parse(given).map(|colour| colour.to_string()), Ok(kept.to_owned()));
        }
        for bad in ["", "#", "red", "1a73e8", "#12", "#1234", "#12345678", "#12345g", "#fff;}", "url(x)", "#۱۲۳"] {
            assert_eq!(CssHexColor::parse(bad), Err(InvalidColor), "{bad}");
        }
    }

    #[test]
    fn every_colour_is_made_readable_on_white_and_a_dark_one_stays_as_it_is() {
        let readable = |text: &str| CssHexColor::parse(text).unwrap().readable_on_white();
        for dark in ["#0a5f4f", "#000000", "#1a5fb4"] {
            assert_eq!(readable(dark).to_string(), dark);
        }
        for pale in ["#ffffff", "#ffff00", "#4080c0", "#ff8800", "#777777"] {
            assert!(1.05 / (readable(pale).luminance() + 0.05) >= 4.5, "{pale}");
            assert_ne!(readable(pale).to_string(), "#000000", "{pale}");
        }
    }

    #[test]
    fn a_shade_lies_between_the_colour_and_black_or_white() {
        let colour = CssHexColor::parse("#4080c0").unwrap();
        assert_eq!(colour.shaded(0), colour);
        assert_eq!(colour.shaded(-100).to_string(), "#000000");
        assert_eq!(colour.shaded(100).to_string(), "#ffffff");
        assert_eq!(colour.shaded(-50).to_string(), "#204060");
    }
}
