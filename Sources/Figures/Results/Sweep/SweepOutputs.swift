import Activations
import Analyses
import CKA
import Device
import Figures
import Glibc
import Inputs
import Report
import Results
import Support
import SweepStore

/// Writes the results of a sweep into `results` of its store: numbers of every pair, maps of groups, a
/// grid, a table and `sweep.json`, which says what is there.
///
/// Pairs are processed one at a time; of their maps only what the pictures need is stored.
public struct SweepOutputs {
  private let results: SweepResults
  private let groups: [ModelGroup]
  private let folder: SweepFolder
  private var groupMaps: [GroupMaps]
  private var overview: SweepOverview
  private var document: SweepDocument

  /// What was done.
  public struct Summary: Sendable {
    /// Pairs whose files were written.
    public internal(set) var written = 0
    /// Pairs whose files were there.
    public internal(set) var found = 0
    /// Models that have layers without values, one line each.
    public internal(set) var warnings: [String] = []
    /// What is found of the models as points, one line each; nil where they are not drawn.
    public internal(set) var findings: [String]?
    /// Where the results are.
    public internal(set) var path = ""

    /// What was written.
    ///
    /// - Parameters:
    ///   - seconds: how long it took.
    ///   - table: whether the table of all cells is there.
    ///   - report: whether the page is there.
    package func text(seconds: Double, table: Bool, report: Bool) -> String {
      """
      results of pairs: \(Format.count(written)) written in \(Format.seconds(seconds)), \
      \(Format.count(found)) cached
      \((findings ?? []).map { "\($0)\n" }.joined())written to \(oneLine(path)): \(SweepDocument.name), pairs, groups, grid.png, .svg and .pdf, \
      models.npy, models.csv, models.png, .svg and .pdf\
      , distances\(findings == nil ? "" : ", points")\
      \(table ? ", \(SweepTable.name)" : "")\(report ? ", \(ResultNames.page)" : "")
      """
    }
  }

  /// Looks into the folder, and makes it where there is none.
  ///
  /// - Parameters:
  ///   - results: what the store holds.
  ///   - table: which models are of one architecture; models whose names differ only in a seed, unless given.
  ///   - warn: is told of files in the folder that cka did not write.
  /// - Throws: `Failure` where the table lacks a model, or the folder cannot be written.
  public init(
    _ results: SweepResults, table: ModelTable = ModelTable(),
    warn: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    self.results = results
    groups = try table.groups(of: results.models.map(\.name))
    folder = try SweepFolder("\(results.path)/results", warn: warn)
    groupMaps = try GroupMaps.all(of: results.models, groups)
    overview = SweepOverview(
      names: results.models.map(\.name), layerCounts: results.models.map(\.layers.count))
    document = SweepDocument(results, groups: groups)
  }

  /// Writes what is not there yet.
  ///
  /// - Parameters:
  ///   - table: whether the table of all cells is written, too.
  ///   - report: whether a page is written, too. One from before, as a table, would not show what is there
  ///     now, and goes.
  ///   - observe: hears how many pairs are done.
  /// - Throws: `StoreError` where the store is damaged, `Failure` where a file cannot be written.
  public mutating func write(
    table: Bool = false, report: Bool = false, observe: (Int) -> Void = { _ in }
  ) throws -> Summary {
    var summary = Summary(path: folder.path)
    let path = "\(folder.path)/\(SweepDocument.name)"
    let earlier = SweepDocument.previous(at: path)?.pairs ?? []
    let known = Dictionary(earlier.map { ($0.folder, $0.fingerprint) }) { first, _ in first }
    var jobs = self.jobs(known: known)
    // Until everything is written, the document lists only files that will not change.
    let staying = Set(jobs.filter { !$0.isWritten }.map(\.folder))
    var interim = document
    interim.pairs = earlier.filter { staying.contains($0.folder) }
    if access(path, F_OK) == 0 || errno != ENOENT {
      try folder.write(try interim.json, to: SweepDocument.name)
    }

    let cells = table ? try SweepTable(in: folder) : nil
    var done = 0
    while !jobs.isEmpty {
      let chunk = nextChunk(of: jobs)
      jobs.removeFirst(chunk.count)
      let (results, folder, side) = (results, folder, overview.side)
      let pairs = try concurrentMap(chunk) { job in
        try PairOutput(job, of: results, in: folder, side: side, listsCells: table)
      }
      for (job, pair) in zip(chunk, pairs) {
        try cells?.append(pair.lines)
        try add(pair, job, to: &summary)
        done += 1
        observe(done)
      }
    }
    document.groups = try groupMaps.map { try $0.write(to: folder, scoreName: document.scoreName) }
    let points = try document.allPoints()
    document.points = points
    if !points.isEmpty { summary.findings = points.flatMap { $0.findings(of: document) } }
    var files = try overview.files(groups: groups.map(\.name), scoreName: document.scoreName)
    files += document.distanceFiles
    for points in points {
      files += [points.table(of: document)]
      files += try pictures(points.distance.pointsName, of: points.figure(of: document))
    }
    for file in files {
      try folder.write(file.bytes, to: file.name)
      document.files.append(file.name)
    }
    // What an earlier sweep has drawn of models that have no points now.
    for name in SweepFileNames.points where !document.files.contains(name) {
      try folder.remove(name)
    }
    if let cells {
      try cells.finish()
      document.files.append(SweepTable.name)
    } else {
      try folder.remove(SweepTable.name)
    }
    if report { document.files.append(ResultNames.page) }
    try folder.remove(ResultNames.page)
    try folder.synchronize()
    try folder.write(try document.json, to: SweepDocument.name)
    if report {
      try folder.write(try SweepResult(in: folder.path).report().bytes(), to: ResultNames.page)
    }
    return summary
  }

  /// The pairs that are worked on side by side: few enough that their maps take little memory, and one at
  /// least.
  private func nextChunk(of jobs: [PairOutput.Job]) -> [PairOutput.Job] {
    var room = 1 << 20
    let chunk = jobs.prefix(32).prefix { job in
      room -= results.models[job.left].layers.count * results.models[job.right].layers.count
      return room >= 0
    }
    return Array(chunk.isEmpty ? jobs.prefix(1) : chunk)
  }

  /// All pairs, a model with itself among them.
  private func jobs(known: [String: String]) -> [PairOutput.Job] {
    let models = results.models
    let names = models.map { safeFileName($0.name) }
    return models.indices.flatMap { left in
      (left..<models.count).map { right in
        let name = "pairs/\(names[left])--\(names[right])"
        let fingerprint = results.fingerprint(left, right)
        let isWhole = known[name] == fingerprint && folder.isWhole(name)
        return PairOutput.Job(
          left: left, right: right, folder: name, fingerprint: fingerprint, isWritten: !isWhole,
          keepsMap: left == right || groups[left].name == groups[right].name)
      }
    }
  }

  private mutating func add(
    _ pair: PairOutput, _ job: PairOutput.Job, to summary: inout Summary
  ) throws {
    if job.isWritten { summary.written += 1 } else { summary.found += 1 }
    overview.add(
      pair.tile, mean: pair.depth.mean, left: job.left, right: job.right)
    if let map = pair.map {
      for index in groupMaps.indices { try groupMaps[index].add(map, job.left, job.right) }
    }
    if job.left == job.right {
      let model = ResultDocument.Model(results.models[job.left], pair.statuses, pair.sigmas)
      document.models[job.left].layers = model.layers
      if let warning = warning(results.models[job.left], pair) { summary.warnings.append(warning) }
    }
    document.pairs.append(
      SweepDocument.Pair(
        left: job.left, right: job.right, folder: job.folder, fingerprint: job.fingerprint,
        undefinedCells: pair.undefinedCells,
        similarityAtEqualDepth: jsonNumber(pair.depth.mean),
        undefinedDepths: pair.depth.undefinedCount,
        distanceAtEqualDepth: jsonNumber(pair.distance.atEqualDepth),
        distanceOfBestMatches: jsonNumber(pair.distance.ofBestMatches)))
  }

  private func warning(_ model: SweepModel, _ pair: PairOutput) -> String? {
    let undefined = pair.statuses.indices.filter { pair.statuses[$0] != .ok }
    guard let first = undefined.first else { return nil }
    let reason =
      reason(pair.statuses[first], pair.sigmas[first], results.settings.gramKernel)
      ?? pair.statuses[first].rawValue
    let others = undefined.count > 1 ? ", and \(undefined.count - 1) more of its layers" : ""
    return
      "\(oneLine(model.path)): layer \(oneLine(model.layers[first].name)) is undefined: \(reason)"
      + others
  }
}

/// The files of one pair, and what the pictures of all pairs need of it.
struct PairOutput: Sendable {
  /// What is to be done for a pair.
  struct Job: Sendable {
    var left: Int
    var right: Int
    var folder: String
    var fingerprint: String
    /// Whether its files are missing, or made of something else.
    var isWritten: Bool
    /// Whether its whole map is needed.
    var keepsMap: Bool
  }

  let tile: HeatmapGrid.Tile
  let depth: DepthSimilarity
  let distance: ModelDistance
  let undefinedCells: Int
  let map: Matrix<Double>?
  /// Its lines of the table of all cells, where that is written.
  let lines: [UInt8]
  /// Of the first model's layers.
  let statuses: [Status]
  let sigmas: [Double?]

  init(
    _ job: Job, of results: SweepResults, in folder: SweepFolder, side: Int, listsCells: Bool
  ) throws {
    let similarity = try results.similarity(job.left, job.right)
    let cka = similarity.cka
    if job.isWritten {
      let document = ResultDocument(results, job.left, job.right, similarity)
      let files = try CompareResult(document, similarity).dataFiles.map { try $0() }
      try folder.write(files, to: job.folder)
    }
    tile = try HeatmapGrid.Tile(cka.elements, rows: cka.rows, columns: cka.columns, side: side)
    depth = DepthSimilarity(cka)
    distance = ModelDistance(cka)
    undefinedCells = cka.elements.count(where: \.isNaN)
    map = job.keepsMap ? cka : nil
    lines =
      listsCells
      ? SweepTable.lines(similarity, results.models[job.left], results.models[job.right]) : []
    statuses = similarity.leftStatuses
    sigmas = similarity.leftSigmas
  }
}
