//! Lists by key: a page names the place where the next one begins, so rows that come or go
//! meanwhile neither repeat nor hide others, and a deep page costs as much as the first.

use serde::{Deserialize, Serialize};

use crate::RequestFault;

pub const DEFAULT_LIMIT: u32 = 50;
pub const MAX_LIMIT: u32 = 200;

/// `?cursor=&limit=` of every list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next_cursor` of the page before; leave out for the first page.
    pub cursor: Option<String>,
    /// How many at the most, 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

impl PageQuery {
    /// How many rows to answer with.
    pub fn limit(&self) -> Result<u32, RequestFault> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => Err(RequestFault::Field {
                field: "limit",
                en: format!("limit must be between 1 and {MAX_LIMIT}."),
                ko: format!("limit은 1에서 {MAX_LIMIT} 사이여야 합니다."),
            }),
        }
    }

    /// The key to go on after, parsed as an id.
    pub fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, RequestFault> {
        self.cursor
            .as_deref()
            .map(|cursor| {
                cursor.parse().map_err(|_| RequestFault::Field {
                    field: "cursor",
                    en: "This cursor does not belong to this list.".into(),
                    ko: "이 목록의 커서가 아닙니다.".into(),
                })
            })
            .transpose()
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Present when there is more.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// `rows` may hold one more than `limit`: it proves that there is a next page, and is left out.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(key) } else { None };
        Self { items: rows, next_cursor }
    }
}
