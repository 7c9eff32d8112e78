//! Reading a slice: file by file, chunk by chunk, a batch per call.

use std::{cell::Cell, sync::Arc};

use tidegate_sdk::{
    Failure, Origin, Pulled, Reader, RecordBatch, Request, Result, SchemaRef, Unread,
    arrow_array::{ArrayRef, UInt64Array},
    arrow_select::filter::filter_record_batch,
    files::Packing,
    log,
};

use crate::{
    column::{self, Cells, Misfit},
    config::{Config, Format, Incremental, OnBadRecord, StreamConfig},
    csv::{Csv, Progress, delimiter},
    cursor::{self, Watch},
    input::Input,
    json::Json,
    listing::{self, Shape, quoted},
    rows::{Bad, Rows, Rule},
    slice::{Id, Part},
};

/// How many warnings a slice writes; the host stops a plugin that floods the log.
const MOST_WARNINGS: u32 = 20;

/// A slice that is being read.
pub struct SliceReader {
    directory: String,
    stream: StreamConfig,
    schema: SchemaRef,
    id: Id,
    /// How many files of the slice are done.
    done: usize,
    open: Option<OpenFile>,
    rows: Rows,
    bad: Vec<Bad>,
    watch: Option<Watch>,
    /// Blank rows that were left out.
    blank: u64,
    /// How many warnings were written.
    warned: Cell<u32>,
}

/// The file that is being read.
struct OpenFile {
    shape: Shape,
    input: Input,
    decoder: Decoder,
    /// Where the stream's columns stand in its rows.
    places: Vec<usize>,
    nulls: Vec<String>,
    /// Which of its chunks comes next.
    next_chunk: usize,
    /// How many bytes of its earlier chunks were read.
    before: u64,
    /// How many of its bytes were reported.
    reported: u64,
}

enum Decoder {
    Csv(Box<Csv>),
    Json(Json),
}

impl SliceReader {
    /// Opens a slice.
    pub fn open(config: Config, request: Request) -> Result<Self> {
        let stream = config.stream(&request.stream)?.clone();
        let id: Id = serde_json::from_str(&request.slice.id).map_err(|error| Failure::bug(format!("the slice's id is broken: {error}")))?;
        let watch = match stream.cursor_field() {
            Some(field) => {
                let place = id.layout.columns.iter().position(|column| column.name == field);
                let place = place.ok_or_else(|| Failure::bug("the slice was made for another config"))?;
                Some(Watch::new(&request.stream, field, place, id.layout.columns[place].kind, request.cursor.as_deref())?)
            }
            None => None,
        };
        let (schema, rows) = (Origin::schema(&id.layout.schema()), Rows::new(0, request.batch_rows.max(1)));
        Ok(Self {
            directory: config.directory,
            stream,
            schema,
            id,
            done: 0,
            open: None,
            rows,
            bad: Vec::new(),
            watch,
            blank: 0,
            warned: Cell::new(0),
        })
    }

    /// Opens the next file; `None` where there is none.
    fn enter(&mut self) -> Result<Option<OpenFile>> {
        let Some(part) = self.id.files.get(self.done) else { return Ok(None) };
        let shape = listing::shape(&self.stream, &part.path)?;
        let chunk = part.chunks.first().ok_or_else(|| Failure::bug("the slice names a file without a chunk"))?;
        let mut input = Input::open(&self.directory, &part.path, shape.packing, chunk.start, chunk.end)?;
        let (decoder, places) = match shape.format {
            Format::Csv | Format::Tsv => self.enter_csv(part, shape, &mut input)?,
            Format::Json | Format::Ndjson => self.enter_json(shape, chunk.first),
        };
        let width = match &decoder {
            Decoder::Csv(csv) => csv.width(),
            Decoder::Json(json) => json.width(),
        };
        self.rows.reset(width);
        let nulls = self.stream.nulls(shape.format);
        Ok(Some(OpenFile { shape, input, decoder, places, nulls, next_chunk: 1, before: 0, reported: 0 }))
    }

    fn enter_csv(&self, part: &Part, shape: Shape, input: &mut Input) -> Result<(Decoder, Vec<usize>)> {
        let mut csv = Csv::new(delimiter(shape.format));
        let chunk = part.chunks[0];
        let header = if chunk.start == 0 {
            csv.header(input)?
        } else {
            let header = csv.header(&mut Input::open(&self.directory, &part.path, shape.packing, 0, None)?)?;
            csv.resume(chunk.first);
            header
        };
        let Some(header) = header else {
            self.warn(&format!("`{}` is empty, it has not even a header", part.path));
            return Ok((Decoder::Csv(Box::new(csv)), Vec::new()));
        };
        let places = self.id.layout.places(&part.path, &header, &self.stream)?;
        let extra = self.id.layout.extra(&header);
        if chunk.start == 0 && !extra.is_empty() {
            self.warn(&format!("`{}`: left out {}, which the stream does not have", part.path, quoted(&extra)));
        }
        Ok((Decoder::Csv(Box::new(csv)), places))
    }

    fn enter_json(&self, shape: Shape, first: u64) -> (Decoder, Vec<usize>) {
        let names: Vec<_> = self.id.layout.columns.iter().map(|column| column.name.clone()).collect();
        let places = (0..names.len()).collect();
        let mut json = Json::new(shape.format, names, self.stream.extra_columns, self.stream.on_bad_record == OnBadRecord::Reject);
        json.resume(first);
        (Decoder::Json(json), places)
    }

    /// Reads until the rows are full or the file's chunks are done; says whether they are.
    fn fill(&mut self, file: &mut OpenFile) -> Result<bool> {
        let chunks = &self.id.files[self.done].chunks;
        let stop = self.stream.on_bad_record == OnBadRecord::Fail;
        loop {
            let progress = match &mut file.decoder {
                Decoder::Csv(csv) => csv.fill(&mut file.input, &mut self.rows, &mut self.bad, stop)?,
                Decoder::Json(json) => json.fill(&mut file.input, &mut self.rows, &mut self.bad, stop)?,
            };
            if progress == Progress::Pause {
                return Ok(false);
            }
            let Some(chunk) = chunks.get(file.next_chunk) else { return Ok(true) };
            file.next_chunk += 1;
            file.before += file.input.read();
            file.input = Input::open(&self.directory, file.input.path(), file.shape.packing, chunk.start, chunk.end)?;
            match &mut file.decoder {
                Decoder::Csv(csv) => csv.resume(chunk.first),
                Decoder::Json(json) => json.resume(chunk.first),
            }
        }
    }

    /// Makes a batch of the rows, and unread records of what is bad.
    fn batch(&mut self, file: &OpenFile) -> Result<(Option<RecordBatch>, Vec<Unread>)> {
        let mut columns = self.columns(file);
        if let Err(misfits) = columns {
            self.reject(file, misfits);
            columns = if self.stream.on_bad_record == OnBadRecord::Fail { Ok(Vec::new()) } else { self.columns(file) };
        }
        self.bad.sort_by_key(|bad| bad.record);
        if self.stream.on_bad_record == OnBadRecord::Fail
            && let Some(bad) = self.bad.first()
        {
            let separator = if bad.column.is_some() { "," } else { ":" };
            return Err(Failure::bad_data(format!("`{}`, record {}{separator} {}", file.input.path(), bad.record, bad.place())));
        }
        let columns = columns.map_err(|_| Failure::bug("a row does not fit after the misfits were taken out"))?;
        let page = file.input.page();
        let unread = self.bad.drain(..).map(|bad| bad.unread(page)).collect();
        let batch = if self.rows.is_empty() { None } else { self.attach(columns, page)? };
        self.rows.reset(self.rows.width());
        Ok((batch, unread))
    }

    /// The columns with their lineage, as far as the rows are new.
    fn attach(&mut self, mut columns: Vec<ArrayRef>, page: u32) -> Result<Option<RecordBatch>> {
        let newer = self.watch.as_mut().and_then(|watch| watch.newer(&columns));
        let origins = self.rows.records().iter().map(|record| Origin::new(page, *record).to_u64());
        columns.push(Arc::new(UInt64Array::from_iter_values(origins)));
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        let batch = match newer {
            Some(newer) => filter_record_batch(&batch, &newer)?,
            None => batch,
        };
        Ok((batch.num_rows() > 0).then_some(batch))
    }

    /// The stream's columns, or every cell that does not fit.
    fn columns(&self, file: &OpenFile) -> Result<Vec<ArrayRef>, Vec<Misfit>> {
        if self.rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut misfits = Vec::new();
        let mut columns = Vec::with_capacity(file.places.len() + 1);
        for (number, (place, column)) in file.places.iter().zip(&self.id.layout.columns).enumerate() {
            match column::build(&Cells { rows: &self.rows, place: *place, nulls: &file.nulls }, number, column.kind) {
                Ok(array) => columns.push(array),
                Err(cells) => misfits.extend(cells),
            }
        }
        if misfits.is_empty() { Ok(columns) } else { Err(misfits) }
    }

    /// Takes the rows of misfits out; the first cell of each row is to blame.
    fn reject(&mut self, file: &OpenFile, mut misfits: Vec<Misfit>) {
        misfits.sort_by_key(|misfit| (misfit.row, misfit.column));
        misfits.dedup_by_key(|misfit| misfit.row);
        for misfit in &misfits {
            let column = &self.id.layout.columns[misfit.column];
            let reason = match (misfit.rule, column.inferred) {
                (Rule::Utf8, _) => "not UTF-8 (perhaps Latin-1)".to_owned(),
                (_, true) => format!("{}, as the values of the sample are; name its type in `types`", column.kind.reason()),
                (_, false) => column.kind.reason(),
            };
            let cells = || (0..self.rows.width()).map(|place| self.rows.cell(misfit.row, place));
            let raw = match &file.decoder {
                Decoder::Csv(csv) => csv.raw(cells()),
                Decoder::Json(_) => cells().next_back().map(|raw| String::from_utf8_lossy(raw).into_owned()).unwrap_or_default(),
            };
            let record = self.rows.records()[misfit.row];
            self.bad.push(Bad { record, rule: misfit.rule, column: Some(column.name.clone()), reason, raw });
        }
        let rows: Vec<_> = misfits.iter().map(|misfit| misfit.row).collect();
        self.rows.remove(&rows);
    }

    /// A file is done.
    fn leave(&mut self, file: &OpenFile) {
        self.done += 1;
        match &file.decoder {
            Decoder::Csv(csv) => self.blank += csv.blank(),
            Decoder::Json(json) => {
                self.blank += json.blank();
                let ignored: Vec<_> = json.ignored().collect();
                if !ignored.is_empty() {
                    self.warn(&format!("`{}`: left out {}, which the stream does not have", file.input.path(), quoted(&ignored)));
                }
            }
        }
        if self.done == self.id.files.len() && self.blank > 0 {
            let rows = if self.blank == 1 { "1 blank row".to_owned() } else { format!("{} blank rows", self.blank) };
            log::info(format!("`{}`: left out {rows}", self.stream.files));
        }
    }

    /// Warns, but not once per file where there are thousands.
    fn warn(&self, message: &str) {
        match self.warned.get() {
            0..MOST_WARNINGS => log::warn(message),
            MOST_WARNINGS => log::warn(format!("`{}`: more files have what the warnings before say", self.stream.files)),
            _ => return,
        }
        self.warned.set(self.warned.get() + 1);
    }

    /// Where the slice has been read to.
    fn cursor(&self, file_ended: bool) -> Option<String> {
        match self.stream.incremental {
            Incremental::None => None,
            Incremental::Files if file_ended => cursor::finished(&self.id.files[..self.done]),
            Incremental::Files => None,
            Incremental::Field(_) => self.watch.as_ref().and_then(Watch::cursor),
        }
    }
}

impl OpenFile {
    /// How many bytes were read since the last report. Of a packed file nobody knows before its end.
    fn report(&mut self, part: &Part, ended: bool) -> u64 {
        let read = match self.shape.packing {
            Packing::Plain => self.before + self.input.read(),
            Packing::Gzip if ended => part.size,
            Packing::Gzip => 0,
        };
        read - std::mem::replace(&mut self.reported, read)
    }
}

impl Reader for SliceReader {
    fn next(&mut self) -> Result<Option<Pulled>> {
        let open = match self.open.take() {
            Some(file) => Some(file),
            None => self.enter()?,
        };
        let Some(mut file) = open else { return Ok(None) };
        let ended = self.fill(&mut file)?;
        let (batch, unread) = self.batch(&file)?;
        let bytes = file.report(&self.id.files[self.done], ended);
        if ended {
            self.leave(&file);
        } else {
            self.open = Some(file);
        }
        Ok(Some(Pulled { batch, unread, cursor: self.cursor(ended), bytes }))
    }
}
