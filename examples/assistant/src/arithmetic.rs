//! The value of an arithmetic expression, as people write them into answers.

/// Evaluates `+ - * / ( )` over decimal numbers; `x` multiplies, `%` divides by a hundred, commas
/// and dollar signs are passed over. None if it is something else, or has no finite value.
///
/// ```
/// use assistant::arithmetic::evaluate;
///
/// assert_eq!(evaluate("2 + 3 * (4 - 1)"), Some(11.0));
/// assert_eq!(evaluate("$1,200 x 50%"), Some(600.0));
/// assert_eq!(evaluate("half of it"), None);
/// assert_eq!(evaluate("1/0"), None);
/// ```
pub fn evaluate(text: &str) -> Option<f64> {
    let signs: Vec<char> = text
        .chars()
        .filter(|it| !it.is_whitespace() && !matches!(it, ',' | '$' | '\\'))
        .collect();
    let mut reader = Reader {
        signs: &signs,
        depth: 0,
    };
    let value = reader.sum()?;
    (reader.signs.is_empty() && value.is_finite()).then_some(value)
}

struct Reader<'s> {
    signs: &'s [char],
    depth: u32,
}

impl Reader<'_> {
    fn sum(&mut self) -> Option<f64> {
        let mut value = self.product()?;
        loop {
            if self.takes(&['+']) {
                value += self.product()?;
            } else if self.takes(&['-']) {
                value -= self.product()?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut value = self.factor()?;
        loop {
            if self.takes(&['*', 'x', 'X', '×']) {
                value *= self.factor()?;
            } else if self.takes(&['/', '÷']) {
                value /= self.factor()?;
            } else {
                return Some(value);
            }
        }
    }

    fn factor(&mut self) -> Option<f64> {
        // Texts come from models and may nest without end.
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = if self.takes(&['-']) {
            -self.factor()?
        } else if self.takes(&['(']) {
            let value = self.sum()?;
            if !self.takes(&[')']) {
                return None;
            }
            value
        } else {
            self.number()?
        };
        self.depth -= 1;
        Some(if self.takes(&['%']) {
            value / 100.0
        } else {
            value
        })
    }

    fn number(&mut self) -> Option<f64> {
        let end = self
            .signs
            .iter()
            .position(|it| !it.is_ascii_digit() && *it != '.')
            .unwrap_or(self.signs.len());
        let (digits, rest) = self.signs.split_at_checked(end)?;
        self.signs = rest;
        digits.iter().collect::<String>().parse().ok()
    }

    fn takes(&mut self, any: &[char]) -> bool {
        match self.signs.split_first() {
            Some((first, rest)) if any.contains(first) => {
                self.signs = rest;
                true
            }
            _ => false,
        }
    }
}

const DEEPEST: u32 = 64;
