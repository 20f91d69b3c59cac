//! Where in a source file a mutant can be chosen at run time, found by parsing it.

use std::collections::BTreeMap;
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr};

/// The places of one file, by the byte at which what is changed begins.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    /// Binary and unary operators, and fields of struct expressions: the expression that is written
    /// once per mutant.
    pub(crate) wholes: BTreeMap<usize, Whole>,
    /// Match arms.
    pub(crate) arms: BTreeMap<usize, Arm>,
    /// The guards of match arms.
    pub(crate) guards: BTreeMap<usize, Range<usize>>,
    pub(crate) const_fns: Vec<ConstFn>,
    /// Where nothing can be chosen at run time: values of constants, lengths of arrays.
    pub(crate) constants: Vec<Range<usize>>,
    /// Bodies of functions that return `impl Trait`: all their values have one type.
    pub(crate) opaque: Vec<Range<usize>>,
}

/// An expression around what is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whole {
    Expression(Range<usize>),
    /// A chain of conditions with a `let` in it, which is no expression to be wrapped.
    Chain,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arm {
    /// Where the pattern ends.
    pub(crate) pattern_end: usize,
    pub(crate) guard: Option<Range<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConstFn {
    pub(crate) name: String,
    /// The word `const`.
    pub(crate) word: Range<usize>,
    pub(crate) body: Range<usize>,
}

impl Sites {
    pub(crate) fn find(source: &str) -> syn::Result<Self> {
        let file = syn::parse_file(source)?;
        let mut finder = Finder::default();
        finder.visit_file(&file);
        Ok(finder.sites)
    }
}

#[derive(Debug, Default)]
struct Finder {
    sites: Sites,
    /// The chain of binary operators that the next expression is an operand of.
    chain: Option<Range<usize>>,
}

impl Finder {
    fn function(&mut self, signature: &syn::Signature, body: Range<usize>) {
        if let Some(word) = &signature.constness {
            self.sites.const_fns.push(ConstFn {
                name: signature.ident.to_string(),
                word: word.span.byte_range(),
                body: body.clone(),
            });
        }
        let mut opaque = Opaque(false);
        opaque.visit_return_type(&signature.output);
        if opaque.0 {
            self.sites.opaque.push(body);
        }
    }

    fn constant(&mut self, expression: &Expr) {
        self.sites.constants.push(expression.span().byte_range());
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_fn(&mut self, it: &'ast syn::ItemFn) {
        self.function(&it.sig, it.block.span().byte_range());
        visit::visit_item_fn(self, it);
    }

    fn visit_impl_item_fn(&mut self, it: &'ast syn::ImplItemFn) {
        self.function(&it.sig, it.block.span().byte_range());
        visit::visit_impl_item_fn(self, it);
    }

    fn visit_trait_item_fn(&mut self, it: &'ast syn::TraitItemFn) {
        if let Some(block) = &it.default {
            self.function(&it.sig, block.span().byte_range());
        }
        visit::visit_trait_item_fn(self, it);
    }

    fn visit_item_const(&mut self, it: &'ast syn::ItemConst) {
        self.constant(&it.expr);
        visit::visit_item_const(self, it);
    }

    fn visit_impl_item_const(&mut self, it: &'ast syn::ImplItemConst) {
        self.constant(&it.expr);
        visit::visit_impl_item_const(self, it);
    }

    fn visit_item_static(&mut self, it: &'ast syn::ItemStatic) {
        self.constant(&it.expr);
        visit::visit_item_static(self, it);
    }

    fn visit_type_array(&mut self, it: &'ast syn::TypeArray) {
        self.constant(&it.len);
        visit::visit_type_array(self, it);
    }

    fn visit_expr_repeat(&mut self, it: &'ast syn::ExprRepeat) {
        self.constant(&it.len);
        visit::visit_expr_repeat(self, it);
    }

    fn visit_expr_const(&mut self, it: &'ast syn::ExprConst) {
        self.sites.constants.push(it.span().byte_range());
        visit::visit_expr_const(self, it);
    }

    fn visit_expr(&mut self, it: &'ast Expr) {
        let outer = self.chain.take();
        if let Expr::Binary(binary) = it {
            self.binary(binary, outer);
        } else {
            visit::visit_expr(self, it);
        }
        self.chain = None;
    }

    fn visit_expr_unary(&mut self, it: &'ast syn::ExprUnary) {
        let whole = Whole::Expression(it.span().byte_range());
        let operator = it.op.span().byte_range().start;
        self.sites.wholes.insert(operator, whole);
        visit::visit_expr_unary(self, it);
    }

    fn visit_expr_struct(&mut self, it: &'ast syn::ExprStruct) {
        for field in &it.fields {
            let whole = Whole::Expression(it.span().byte_range());
            let start = field.span().byte_range().start;
            self.sites.wholes.entry(start).or_insert(whole);
        }
        visit::visit_expr_struct(self, it);
    }

    fn visit_arm(&mut self, it: &'ast syn::Arm) {
        let (pattern, guard) = match &it.pat {
            syn::Pat::Guard(guarded) => (&*guarded.pat, Some(guarded.guard.span().byte_range())),
            pattern => (pattern, None),
        };
        if let Some(guard) = &guard {
            self.sites.guards.insert(guard.start, guard.clone());
        }
        let pattern_end = pattern.span().byte_range().end;
        let arm = Arm { pattern_end, guard };
        self.sites.arms.insert(it.span().byte_range().start, arm);
        visit::visit_arm(self, it);
    }
}

impl Finder {
    /// A chain of operators is written as one, since another operator may bind its operands
    /// otherwise.
    fn binary(&mut self, it: &syn::ExprBinary, outer: Option<Range<usize>>) {
        let is_chain = has_let(&it.left) || has_let(&it.right);
        let own = it.span().byte_range();
        let whole = outer.unwrap_or(own);
        let operator = it.op.span().byte_range().start;
        let site = if is_chain {
            Whole::Chain
        } else {
            Whole::Expression(whole.clone())
        };
        self.sites.wholes.insert(operator, site);
        let inner = (!is_chain && !assigns(&it.op)).then_some(whole);
        for operand in [&it.left, &it.right] {
            self.chain.clone_from(&inner);
            self.visit_expr(operand);
        }
    }
}

/// Whether a type says `impl`.
struct Opaque(bool);

impl<'ast> Visit<'ast> for Opaque {
    fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
        self.0 = true;
    }
}

fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(it) => has_let(&it.left) || has_let(&it.right),
        _ => false,
    }
}

fn assigns(operator: &BinOp) -> bool {
    matches!(
        operator,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}
