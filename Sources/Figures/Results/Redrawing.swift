import Figures
import Results
import Support

/// The figures of a result, drawn again as somebody wants them.
public struct Redrawing: Sendable {
  /// The folder of the result, as it was given; of a sweep also its store.
  private let folder: String
  private let figures: [NamedFigure]
  private let style: FigureStyle

  /// Reads a result.
  ///
  /// - Parameters:
  ///   - folder: what a command wrote; of a sweep, the store or its `results`.
  ///   - name: of the only figure that is wanted; nil takes all.
  ///   - first: whether only the first is wanted, where no name is given.
  ///   - look: what is wanted beside what the result says.
  /// - Throws: `Failure` where the folder holds no result or no such figure, or the look does not fit.
  public init(
    of folder: String, figure name: String? = nil, first: Bool = false,
    as look: FigureLook = FigureLook()
  ) throws {
    self.folder = folder
    style = look.style
    let all = try drawing(folder) { try readResult(in: folder).figures() }
    let chosen = name.map { name in all.filter { $0.name == name } } ?? (first ? [all[0]] : all)
    guard !chosen.isEmpty else {
      throw Failure(
        .usage,
        "--figure \(oneLine(name ?? "")): \(oneLine(folder)) has \(all.map(\.name).joined(separator: ", "))"
      )
    }
    guard !look.asksForMaps || chosen.contains(where: { $0.figure is Heatmap }) else {
      throw Failure(
        .usage,
        "--range and --title apply to maps: \(oneLine(folder)) has none of one panel in "
          + chosen.map(\.name).joined(separator: ", "))
    }
    figures = try drawing(folder) {
      try chosen.map { NamedFigure(name: $0.name, figure: try look.applied(to: $0.figure)) }
    }
  }

  /// The first figure, where it is a map.
  public var map: Heatmap? { figures[0].figure as? Heatmap }

  /// Writes every figure in all formats beside the numbers, side by side; returns the names of the files.
  @discardableResult public func write() throws -> [String] {
    let place = try resultFolder(folder)
    let names = try concurrentMap(figures) { figure in
      try FigureFormat.allCases.map { format in
        let name = figure.file(format)
        try write(figure, format, to: "\(place)/\(name)")
        return name
      }
    }
    return names.flatMap { $0 }
  }

  /// Writes the first figure, in the format that the name of the file says.
  ///
  /// - Parameters:
  ///   - path: the file's path, which ends in `.png`, `.svg` or `.pdf`.
  ///   - replacing: whether a file that is there is replaced.
  /// - Throws: `Failure` where the name has another end than `.png`, `.svg` or `.pdf`, or the file cannot be
  ///   written.
  public func write(to path: String, replacing: Bool = false) throws {
    let format = try Self.format(of: path)
    guard try replacing || !isThere(path) else {
      throw Failure(.cannotCreate, "\(oneLine(path)): exists; --force replaces it")
    }
    try write(figures[0], format, to: path)
  }

  /// The format that the name of a file says.
  package static func format(of path: String) throws(Failure) -> FigureFormat {
    let name = splitPath(path).name
    guard let dot = name.lastIndex(of: "."),
      let format = FigureFormat(pathExtension: String(name[name.index(after: dot)...]))
    else {
      throw Failure(.usage, "\(oneLine(path)): the name must end in .png, .svg or .pdf")
    }
    return format
  }

  private func write(_ figure: NamedFigure, _ format: FigureFormat, to path: String) throws {
    let bytes = try drawing(folder) { try figure.figure.data(format, style: style) }
    try replaceFile(bytes, at: path, called: oneLine(path))
  }
}

/// Writes the page of a result beside its numbers; returns its path.
///
/// - Throws: `Failure` where the folder holds no result, or the page cannot be written.
public func writePage(of folder: String) throws -> String {
  let bytes = try drawing(folder) { try readResult(in: folder).report().bytes() }
  let path = "\(try resultFolder(folder))/\(ResultNames.page)"
  try replaceFile(bytes, at: path, called: oneLine(path))
  return path
}
