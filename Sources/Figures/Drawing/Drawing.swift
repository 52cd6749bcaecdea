/// A figure whose layout is made.
protocol Drawing {
  /// In whole pixels; the corner is (0, 0).
  var page: Rectangle { get }
  /// Everything that is written.
  var texts: [PlacedText] { get }
  /// How the cells of maps fill their room.
  var fits: [CellFit] { get }
  func draw(on canvas: Canvas) throws(FigureError)
}

/// The room that the cells of a map have across, and how long they are where each is as small as can be: of one
/// pixel, or as many as a tile has.
struct CellFit {
  /// In pixels.
  let room: Double
  /// In pixels of any resolution.
  let least: Double

  /// How much of the room whole multiples leave empty where there are `factor` times as many pixels: all
  /// of it where cells would be smaller.
  func waste(factor: Double) -> Double {
    let room = room * factor
    let multiple = (room / least).rounded(.down)
    return multiple >= 1 ? 1 - multiple * least / room : 1
  }
}

/// A figure that is laid out for a page.
protocol DrawnFigure: Figure {
  /// Inches, where no width is asked for.
  var usualWidth: Double { get }
  /// The layout on a page of `style`, which is as high as it needs to be.
  func drawing(_ style: PageStyle) throws(FigureError) -> any Drawing
}

extension DrawnFigure {
  /// The layout in the resolution that suits it, and that resolution.
  ///
  /// That is the first of 300, 400, 500 … dots per inch in which cells of whole pixels leave no more
  /// than a sixteenth of their room empty; where there is none, the one that leaves the least.
  func laidOut(_ style: FigureStyle) throws(FigureError) -> (style: PageStyle, drawing: any Drawing)
  {
    let width = style.width ?? usualWidth
    let coarse = PageStyle(style, width: width, resolution: 300)
    let drawing = try drawing(coarse)
    func waste(_ resolution: Double) -> Double {
      drawing.fits.map { $0.waste(factor: resolution / 300) }.max() ?? 0
    }
    let resolutions = stride(from: 300.0, through: max(300, 4096 / width), by: 100)
    let best =
      resolutions.first { waste($0) <= 1.0 / 16 } ?? resolutions.min { waste($0) < waste($1) }
      ?? 300
    guard best > 300 else { return (coarse, drawing) }
    let fine = PageStyle(style, width: width, resolution: best)
    return (fine, try self.drawing(fine))
  }

  /// The file.
  func file(_ format: FigureFormat, _ style: FigureStyle) throws(FigureError) -> [UInt8] {
    let (page, drawing) = try laidOut(style)
    let canvas = try Canvas(
      format, width: drawing.page.width, height: drawing.page.height, style: page)
    try drawing.draw(on: canvas)
    return try canvas.bytes()
  }
}
