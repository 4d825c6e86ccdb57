//! Strict reading of a node's attributes: each is taken once, and none may be left over.

use alloc::{format, string::String, vec::Vec};

use super::{
    error::{ImportError, listed, printable},
    proto::{Attribute, Node, Tensor, attribute_type},
};

pub(super) struct Attributes<'m> {
    all: &'m [Attribute],
    taken: Vec<bool>,
}

impl<'m> Attributes<'m> {
    pub(super) fn new(node: &'m Node) -> Result<Self, ImportError> {
        let all = &node.attribute;
        let mut names: Vec<&str> = all.iter().map(|a| &*a.name).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|p| p[0] == p[1]) {
            return Err(ImportError::malformed(format!("attribute {} stands twice", printable(pair[0]))));
        }
        Ok(Self { all, taken: alloc::vec![false; all.len()] })
    }

    fn take(&mut self, name: &str, kind: i32) -> Result<Option<&'m Attribute>, ImportError> {
        let Some(i) = self.all.iter().position(|a| a.name == name) else { return Ok(None) };
        self.taken[i] = true;
        let a = &self.all[i];
        if a.r#type != kind || !a.ref_attr_name.is_empty() {
            return Err(ImportError::malformed(format!("attribute {name} has the wrong type")));
        }
        Ok(Some(a))
    }

    pub(super) fn int(&mut self, name: &str, default: i64) -> Result<i64, ImportError> {
        Ok(self.take(name, attribute_type::INT)?.map_or(default, |a| a.i))
    }

    pub(super) fn float(&mut self, name: &str, default: f32) -> Result<f32, ImportError> {
        Ok(self.take(name, attribute_type::FLOAT)?.map_or(default, |a| a.f))
    }

    pub(super) fn ints(&mut self, name: &str) -> Result<Option<&'m [i64]>, ImportError> {
        Ok(self.take(name, attribute_type::INTS)?.map(|a| &*a.ints))
    }

    pub(super) fn string(&mut self, name: &str) -> Result<Option<String>, ImportError> {
        let a = self.take(name, attribute_type::STRING)?;
        Ok(a.map(|a| String::from_utf8_lossy(&a.s).into_owned()))
    }

    pub(super) fn tensor(&mut self, name: &str) -> Result<Option<&'m Tensor>, ImportError> {
        Ok(self.take(name, attribute_type::TENSOR)?.and_then(|a| a.t.as_deref()))
    }

    /// Non-negative integers, as many as `N`.
    pub(super) fn sizes<const N: usize>(&mut self, name: &str) -> Result<Option<[usize; N]>, ImportError> {
        let Some(v) = self.ints(name)? else { return Ok(None) };
        let sizes: Option<Vec<usize>> = v.iter().map(|&i| usize::try_from(i).ok()).collect();
        let sizes = sizes.and_then(|s| <[usize; N]>::try_from(s).ok());
        sizes.map(Some).ok_or_else(|| {
            ImportError::malformed(format!("attribute {name} is {}, {N} numbers from 0 on are expected", listed(v)))
        })
    }

    /// Refuses any value but this one.
    pub(super) fn only(&mut self, name: &str, value: i64) -> Result<(), ImportError> {
        match self.int(name, value)? {
            v if v == value => Ok(()),
            v => Err(ImportError::unsupported(format!("{name} = {v} is not supported, only {value}"))),
        }
    }

    /// Refuses what was not taken.
    pub(super) fn finish(&self) -> Result<(), ImportError> {
        match self.taken.iter().position(|t| !t) {
            None => Ok(()),
            Some(i) => Err(ImportError::unsupported(format!("unknown attribute {}", printable(&self.all[i].name)))),
        }
    }
}
