import CCairo

/// Pixels of `0xRRGGBB`, row by row from the top.
struct PixelImage {
  let width: Int
  let height: Int
  private(set) var pixels: [UInt32]

  init(width: Int, height: Int, pixels: [UInt32]) {
    precondition(pixels.count == width * height, "the pixels do not fill the image")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// The cells of `heatmap`, row 0 at the bottom, each as large as `cell`.
  ///
  /// Some viewers blur the border of a pixel, which must not be the border of half a cell; a large picture
  /// has but a pixel for each of its small cells.
  init(of heatmap: Heatmap, cell: CellSize) {
    let scale = ScoreScale(heatmap.range)
    func pixels(_ side: Double, count: Int) -> Int {
      guard side >= 1, side == side.rounded() else { return 1 }
      return side <= 16 && side * Double(count) > 2048 ? 1 : Int(side)
    }
    let across = pixels(cell.width, count: heatmap.columns)
    let upright = pixels(cell.height, count: heatmap.rows)
    var pixels: [UInt32] = []
    pixels.reserveCapacity(heatmap.values.count * across * upright)
    for row in (0..<heatmap.rows).reversed() {
      let scores = heatmap.values[row * heatmap.columns..<(row + 1) * heatmap.columns]
      let line = scores.flatMap { repeatElement(scale.color(of: $0).code, count: across) }
      for _ in 0..<upright { pixels += line }
    }
    self.init(width: heatmap.columns * across, height: heatmap.rows * upright, pixels: pixels)
  }

  /// A column of `height` pixels through all of `colorMap`, the highest score at the top.
  init(scaleOf colorMap: ColorMap, height: Int) {
    let pixels = (0..<height).map { row in
      colorMap.color(at: 1 - (Double(row) + 0.5) / Double(height)).code
    }
    self.init(width: 1, height: height, pixels: pixels)
  }
}

extension Surface {
  /// Copies the pixels of `image` into this image surface of the same size.
  func copyPixels(of image: PixelImage) throws(FigureError) {
    cairo_surface_flush(pointer)
    guard let data = cairo_image_surface_get_data(pointer) else {
      throw FigureError(kind: .drawing, context: "Cairo provided no pixel buffer")
    }
    let stride = Int(cairo_image_surface_get_stride(pointer))
    for row in 0..<image.height {
      // An RGB24 pixel is a native 32-bit word with the upper 8 bits unused.
      image.pixels[row * image.width..<(row + 1) * image.width].withUnsafeBytes { line in
        UnsafeMutableRawBufferPointer(start: data + row * stride, count: line.count)
          .copyMemory(from: line)
      }
    }
    cairo_surface_mark_dirty(pointer)
  }
}
