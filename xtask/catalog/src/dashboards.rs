//! The dashboards as data, and as Grafana's JSON.
//!
//! Queries are plain PromQL with the names that the crates declare. When a dashboard is written,
//! each selector gets the matchers of the variables: `job` and `instance` always, `primitive` and
//! `workflow` where its metric has that label. A query for a metric that nobody declares makes
//! neither a dashboard nor a green build; the error names the panel.

mod cache;
mod json;
pub mod lint;
mod overview;
mod primitives;
mod router;
mod telemetry;

use crate::known::Known;
use crate::promql::{Selector, with_matchers};

/// A dashboard.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// What Grafana knows it by, for ever: links lead to it.
    pub uid: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it answers.
    pub description: &'static str,
    /// Its variables besides the data source, `job` and `instance`.
    pub variables: &'static [Variable],
    /// Its rows, from above.
    pub rows: Vec<Row>,
}

/// A variable that stands for a label.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name, and the label's.
    pub name: &'static str,
    /// What stands before it.
    pub label: &'static str,
    /// The metric from which its values are taken.
    pub metric: &'static str,
}

/// A row, which folds.
#[derive(Clone, Debug)]
pub struct Row {
    /// What its panels have in common.
    pub title: &'static str,
    /// Whether it is folded at first.
    pub is_folded: bool,
    /// Its panels, from the left.
    pub panels: Vec<Panel>,
}

/// A panel.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What it shows.
    pub title: &'static str,
    /// How to read it.
    pub description: &'static str,
    /// Grafana's name for the unit of its values.
    pub unit: &'static str,
    /// How it shows them.
    pub look: Look,
    /// How many of the 24 columns it takes.
    pub width: u32,
    /// What it asks.
    pub queries: Vec<Query>,
}

/// How a panel shows values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// Lines over time.
    Lines,
    /// Areas over time, one upon the other.
    Stack,
    /// The latest value as a number.
    Number,
    /// Numbers that mean states, as coloured bars over time.
    States(&'static [State]),
    /// The latest values with their labels.
    Table,
}

/// What a number means in [`Look::States`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// The number.
    pub value: u32,
    /// What it means.
    pub text: &'static str,
    /// In which of Grafana's colours it is shown.
    pub colour: &'static str,
}

/// What a panel asks.
#[derive(Clone, Debug)]
pub struct Query {
    /// In PromQL, without the matchers of the variables.
    pub promql: &'static str,
    /// What the series are called, with labels as `{{label}}`.
    pub legend: &'static str,
}

/// Every dashboard.
pub fn all() -> Vec<Dashboard> {
    vec![
        overview::dashboard(),
        primitives::dashboard(),
        cache::dashboard(),
        router::dashboard(),
        telemetry::dashboard(),
    ]
}

impl Dashboard {
    /// The name of its file.
    pub fn file(&self) -> String {
        format!("{}.json", self.uid)
    }

    /// All panels, with the rows in which they stand.
    pub fn panels(&self) -> impl Iterator<Item = (&Row, &Panel)> {
        self.rows
            .iter()
            .flat_map(|row| row.panels.iter().map(move |panel| (row, panel)))
    }

    /// What is wrong with its queries, each with the panel's name.
    pub fn wrong(&self, known: &Known) -> Vec<String> {
        let panels = self.panels().flat_map(|(_, panel)| {
            let wrong = panel.queries.iter().flat_map(|it| known.wrong(it.promql));
            wrong.map(|why| format!("dashboard `{}`, panel `{}`: {why}", self.title, panel.title))
        });
        let variables = self.variables.iter().filter_map(|it| {
            let has = known
                .spec(it.metric)
                .is_some_and(|spec| spec.labels.contains(&it.name));
            let why = format!(
                "dashboard `{}`, variable `{}`: no metric `{}` with that label",
                self.title, it.name, it.metric
            );
            (!has).then_some(why)
        });
        panels.chain(variables).collect()
    }

    /// A query of one of its panels as Grafana sends it, before the variables get their values.
    ///
    /// # Errors
    ///
    /// When the query cannot be read.
    pub fn promql(&self, query: &Query, known: &Known) -> Result<String, String> {
        let matchers = |selector: &Selector| {
            let spec = known.spec(&selector.metric);
            let of_label = |variable: &&Variable| {
                spec.is_some_and(|spec| spec.labels.contains(&variable.name))
            };
            let own = self.variables.iter().filter(of_label).map(|it| it.name);
            let names = ["job", "instance"].into_iter().chain(own);
            names.map(|name| format!("{name}=~\"${name}\"")).collect()
        };
        with_matchers(query.promql, matchers)
    }

    /// The dashboard in Grafana's JSON.
    ///
    /// # Errors
    ///
    /// With what is wrong with its queries.
    pub fn json(&self, known: &Known) -> Result<String, Vec<String>> {
        let wrong = self.wrong(known);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let json = json::dashboard(self, known).map_err(|why| vec![why])?;
        let text = serde_json::to_string_pretty(&json).map_err(|why| vec![why.to_string()])?;
        Ok(text + "\n")
    }
}

impl Row {
    fn open(title: &'static str, panels: Vec<Panel>) -> Self {
        Self {
            title,
            is_folded: false,
            panels,
        }
    }

    fn folded(title: &'static str, panels: Vec<Panel>) -> Self {
        Self {
            is_folded: true,
            ..Self::open(title, panels)
        }
    }
}

impl Panel {
    fn new(
        look: Look,
        title: &'static str,
        unit: &'static str,
        description: &'static str,
        queries: &[(&'static str, &'static str)],
    ) -> Self {
        let queries = queries.iter();
        Self {
            title,
            description,
            unit,
            look,
            width: match look {
                Look::Number => 4,
                Look::Table => 24,
                _ => 12,
            },
            queries: queries
                .map(|&(legend, promql)| Query { promql, legend })
                .collect(),
        }
    }

    fn wide(self, width: u32) -> Self {
        Self { width, ..self }
    }
}

/// Which primitives are shown.
const PRIMITIVE: Variable = Variable {
    name: "primitive",
    label: "Primitive",
    metric: "primitive_executions_total",
};

/// Which workflows are shown.
const WORKFLOW: Variable = Variable {
    name: "workflow",
    label: "Workflow",
    metric: "workflow_executions_total",
};
