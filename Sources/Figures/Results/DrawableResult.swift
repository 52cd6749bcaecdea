import Activations
import Figures
import Report
import Results
import Support

/// A result that can be drawn. A command creates one from what it computed, `cka plot` from a
/// folder, so that both draw the same figures.
public protocol DrawableResult: Sendable {
  /// Reads the result of a folder.
  init(in folder: String) throws
  /// The figures, the one that says most first.
  func figures() throws -> [NamedFigure]
  /// The page.
  func report() throws -> Report
}

/// A figure and what its files are called, without the end.
public struct NamedFigure: Sendable {
  /// The name of its files.
  public let name: String
  /// The figure.
  public let figure: any Figure

  /// See the properties.
  public init(name: String, figure: any Figure) {
    self.name = name
    self.figure = figure
  }
}

extension DrawableResult {
  /// The files of a result, ready to be written: `data`, then pictures, and the page where it is wanted. They are
  /// computed in parallel: with a thousand layers each takes a good part of a second.
  package func files(with data: [FileMaker], report: Bool) throws -> [ResultFile] {
    try concurrentMap(data + drawings(report: report)) { try $0() }
  }

  /// What makes the files of the figures, in every format, and of the page where it is wanted.
  private func drawings(report: Bool) throws -> [FileMaker] {
    var makers: [FileMaker] = []
    for figure in try figures() {
      for format in FigureFormat.allCases {
        makers.append { (figure.file(format), try figure.figure.data(format)) }
      }
    }
    if report { makers.append { (ResultNames.page, try self.report().bytes()) } }
    return makers
  }
}

extension DrawableResult where Self: FolderResult {
  /// Writes the result as its command does: numbers, pictures in every format, and the page for a browser where
  /// it is wanted, to a temporary name first, so that `folder` holds all of it or what it held before.
  ///
  /// - Parameters:
  ///   - data: what `dataFiles` of the result gives.
  ///   - folder: is made, with the folders above it.
  ///   - replacing: whether a result of the same command that is there is replaced.
  ///   - report: whether `report.html` is written, too.
  /// - Throws: `Failure` where the folder exists, holds anything else, or cannot be written; `FigureError` where
  ///   a picture cannot be drawn.
  public func write(
    _ data: [FileMaker], to folder: String, replacing: Bool = false, report: Bool = false
  ) throws {
    let folder = try ResultFolder(folder, of: Self.kind, replacing: replacing)
    try folder.write(try files(with: data, report: report))
  }
}

extension NamedFigure {
  /// What its file is called in a format.
  package func file(_ format: FigureFormat) -> String { "\(name).\(format.rawValue)" }
}

/// What lies in a folder that one of the commands wrote; of a sweep, the store or its `results`.
///
/// - Throws: `Failure` where the folder holds no result, or a file of it is missing or damaged.
public func readResult(in folder: String) throws -> any DrawableResult {
  let place = try resultFolder(folder)
  let types: [(String, any DrawableResult.Type)] = [
    (ResultDocument.name, CompareResult.self), (ConvergeDocument.name, ConvergeResult.self),
    (ComponentsDocument.name, ComponentsResult.self), (BlocksDocument.name, BlocksResult.self),
    (UncertaintyDocument.name, UncertaintyResult.self), (ProbeDocument.name, ProbeResult.self),
    (ErrorAgreementDocument.name, ErrorAgreementResult.self),
    (SweepDocument.name, SweepResult.self),
  ]
  let found = try types.first { try isThere("\(place)/\($0.0)") }
  guard let (_, type) = found else {
    throw Failure(
      .noInput,
      "\(oneLine(folder)): is not a result; expected a result folder of cka or a store"
    )
  }
  return try type.init(in: place)
}

/// Draws the result in `folder`; a drawing error is reported as bad data of its files.
package func drawing<Result>(_ folder: String, _ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let error as FigureError where error.kind == .invalid {
    throw Failure(.data, "\(oneLine(folder)): cannot be drawn: \(oneLine(error.description))")
  }
}
