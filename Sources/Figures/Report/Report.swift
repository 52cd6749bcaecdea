import Figures

/// A result as one page for a browser: maps to look into, charts and tables, all in one file that needs
/// no network and opens from a disk.
///
/// ```swift
/// let report = Report(
///   title: "run1 × run2", facts: [.init("examples", "512")],
///   sections: [.init("Similarity", panels: [.maps([.init(heatmap, name: "")], label: "")])],
///   footer: "cka 0.1.0")
/// let bytes = try report.page()
/// ```
///
/// The same report always gives the same bytes. Names may hold anything: they are shown as text.
public struct Report: Sendable {
  /// Something to know about the whole result, such as the number of examples.
  public struct Fact: Sendable {
    /// What it is.
    public var name: String
    /// What is known.
    public var value: String

    /// See the properties.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Panels that are looked at together.
  public struct Section: Sendable {
    /// The heading.
    public var title: String
    /// A few words below it, or nil.
    public var note: String?
    /// Several panels, none of them a table, stand side by side. Maps of equally many layers share their
    /// cursor and their zoom.
    public var panels: [Panel]

    /// See the properties.
    public init(_ title: String, note: String? = nil, panels: [Panel]) {
      self.title = title
      self.note = note
      self.panels = panels
    }
  }

  /// What a section is made of.
  public enum Panel: Sendable {
    /// One map, or several with a slider between them, which is called `label`.
    case maps([Map], label: String)
    /// The maps of all pairs of models.
    case pairs(Pairs)
    /// The same chart as in the pictures.
    case chart(LineChart)
    /// Numbers with their intervals, in the order of the picture.
    case intervals(IntervalChart)
    /// A figure of another kind as it is, an SVG file, with words for those who do not see it.
    case picture(svg: [UInt8], description: String)
    /// A table of texts.
    case table(Table)
  }

  /// The panels of a figure of several, row by row.
  ///
  /// - Parameters:
  ///   - figure: the figure.
  ///   - description: what pictures show, for those who do not see them.
  /// - Throws: `FigureError` where a picture cannot be drawn.
  public static func panels(
    _ figure: FigureGrid, description: String = ""
  ) throws(FigureError) -> [Panel] {
    var panels: [Panel] = []
    for panel in figure.panels.joined() {
      switch panel {
      case .heatmap(let heatmap): panels.append(.maps([Map(heatmap, name: "")], label: ""))
      case .lineChart(let chart): panels.append(.chart(chart))
      case .scatterChart, .treeChart:
        panels.append(.picture(svg: try panel.figure.data(.svg), description: description))
      }
    }
    return panels
  }

  /// A table that the reader can sort.
  public struct Table: Sendable {
    /// A column's name, and whether its texts are numbers.
    public struct Column: Sendable, Encodable {
      var name: String
      var isNumber: Bool

      /// A column of texts.
      public static func text(_ name: String) -> Column { .init(name: name, isNumber: false) }
      /// A column of numbers, which stand at the right and are sorted by size.
      public static func number(_ name: String) -> Column { .init(name: name, isNumber: true) }
    }

    /// From the left.
    public var columns: [Column]
    /// As many texts a row as there are columns.
    public var rows: [[String]]
    /// A line above the table, or nil.
    public var caption: String?

    /// See the properties.
    package init(_ columns: [Column], rows: [[String]], caption: String? = nil) {
      precondition(rows.allSatisfy { $0.count == columns.count }, "a row does not fit the columns")
      self.columns = columns
      self.rows = rows
      self.caption = caption
    }
  }

  /// The heading of the page.
  public var title: String
  /// Below the heading.
  public var facts: [Fact]
  /// From the top.
  public var sections: [Section]
  /// The last line: what made the page.
  public var footer: String

  /// See the properties.
  public init(title: String, facts: [Fact], sections: [Section], footer: String) {
    self.title = title
    self.facts = facts
    self.sections = sections
    self.footer = footer
  }
}
