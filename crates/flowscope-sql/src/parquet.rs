//! Parquet files as a table: those that `flowscope parquet` wrote.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, plan_datafusion_err, plan_err};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use flowscope_table::{Addresses, Table, schema};
use url::Url;

use crate::sources::parquet_files;

/// The table in these files and folders.
pub(crate) fn table(table: Table, paths: &[PathBuf]) -> Result<Arc<dyn TableProvider>> {
    let files: Vec<_> = paths.iter().flat_map(|it| parquet_files(it)).collect();
    let is_by_day = |file: &PathBuf| {
        let folder = file.parent().and_then(Path::file_name);
        folder.is_some_and(|name| name.to_string_lossy().starts_with("day="))
    };
    let by_day = files.iter().filter(|it| is_by_day(it)).count();
    let partitions = match by_day {
        0 => Vec::new(),
        _ if by_day == files.len() && paths.iter().all(|it| it.is_dir()) => {
            vec![("day".to_owned(), DataType::Utf8)]
        }
        _ => return plan_err!("{table}: some of its files are in folders of a day and some not"),
    };
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()))
        .with_file_extension(".parquet")
        .with_table_partition_cols(partitions);
    let urls: Result<Vec<_>> = paths.iter().map(|it| url(it)).collect();
    let config = ListingTableConfig::new_with_multi_paths(urls?)
        .with_listing_options(options)
        .with_schema(columns(table, &files)?);
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// The columns of all files. One that was written earlier may lack some.
fn columns(table: Table, files: &[PathBuf]) -> Result<SchemaRef> {
    let mut schemas: Vec<Schema> = Vec::new();
    for path in files {
        let known = read_schema(path).map_err(|error| {
            plan_datafusion_err!("{} is no Parquet file: {error}", path.display())
        })?;
        let of = known.metadata().get("flowscope.table");
        if let Some(of) = of
            && of != table.as_str()
        {
            return plan_err!("{} has the table {of}, not {table}", path.display());
        }
        schemas.push(known.as_ref().clone().with_metadata(Default::default()));
    }
    if schemas.is_empty() {
        return Ok(schema(table, Addresses::Text));
    }
    let merged = Schema::try_merge(schemas).map_err(|error| {
        plan_datafusion_err!("{table}: its files have columns of different types: {error}")
    })?;
    Ok(Arc::new(merged))
}

fn read_schema(path: &Path) -> Result<SchemaRef> {
    let file = File::open(path)?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())?;
    Ok(metadata.schema().clone())
}

/// A path as it is, whatever letters it has.
fn url(path: &Path) -> Result<ListingTableUrl> {
    let whole = path.canonicalize()?;
    let url = match whole.is_dir() {
        true => Url::from_directory_path(&whole),
        false => Url::from_file_path(&whole),
    };
    let url = url.map_err(|()| plan_datafusion_err!("{} is no path", path.display()))?;
    ListingTableUrl::try_new(url, None)
}
