#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Draws what mho-train wrote about the digits: training curves, the first layer's
# conductances, some digits with the network's answers; each as SVG and PNG.
#
#	demo-pictures.sh DIRECTORY DIGITS
#
# DIRECTORY holds history.csv, conductance.csv and predictions.csv.
set -eu

out=$1
digits=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
font='DejaVu Sans'

# draw NAME WIDTH HEIGHT: a gnuplot program on stdin, drawn twice.
draw()
{
	name=$1 width=$2 height=$3
	program=$(cat)
	for kind in png svg; do
		picture=$scratch/$name.$kind
		case $kind in
		png) terminal="pngcairo size $width,$height font '$font,11' enhanced" end=IEND ;;
		svg)
			terminal="svg size $width,$height font '$font,11' enhanced background '#ffffff'"
			end='</svg>'
			;;
		esac
		# gnuplot does not notice that a disk is full: a whole picture has its end.
		if ! printf 'set terminal %s\nset output "%s"\n%s\n' "$terminal" "$picture" \
			"$program" | gnuplot 2>"$scratch/gnuplot" ||
			! tail -c 16 "$picture" | grep -aqF "$end"; then
			cat "$scratch/gnuplot" >&2
			echo "mho: gnuplot could not draw $out/$name.$kind (in $scratch)" >&2
			exit 1
		fi
	done
	# Cells are to have edges, also when a browser enlarges them.
	sed -i "s/<image /<image style='image-rendering:pixelated' /" "$scratch/$name.svg"
	mv "$scratch/$name.png" "$scratch/$name.svg" "$out"
}

style='
set encoding utf8
set border 3 lc rgb "#555555"
set tics nomirror textcolor rgb "#333333"
set grid ytics lc rgb "#dddddd" lw 1 lt 1
'

# --- training curves ----------------------------------------------------------------------

curves()
{
	draw training 1000 420 <<-GNUPLOT
	$style
	set datafile separator ','
	set multiplot layout 1,2 margins 0.07,0.98,0.14,0.88 spacing 0.09,0
	set xlabel 'epoch'
	set key top right samplen 2 spacing 1.2
	set title 'Loss (cross-entropy)'
	set logscale y
	set format y '%g'
	plot '$out/history.csv' using 1:7 skip 1 with lines lw 7 lc rgb '#b9d9e8' title 'float32, training', \
		'' using 1:9 skip 1 with lines lw 7 lc rgb '#f4cdd1' title 'float32, held out', \
		'' using 1:3 skip 1 with lines lw 2 lc rgb '#0b6fa4' title 'analog, training', \
		'' using 1:5 skip 1 with lines lw 2 lc rgb '#d1495b' title 'analog, held out'
	unset logscale y
	set title 'Accuracy on held-out digits'
	set format y '%g %%'
	set key bottom right
	stats '$out/history.csv' using (100 * column(6)) skip 1 nooutput name 'A'
	set yrange [(A_min < 80 ? 80 : 2 * floor(A_min / 2)):100]
	plot '$out/history.csv' using 1:(100 * column(10)) skip 1 with lines lw 7 lc rgb '#f4cdd1' title 'float32 reference', \
		'' using 1:(100 * column(6)) skip 1 with linespoints lw 2 pt 7 ps 0.5 lc rgb '#d1495b' title 'analog'
	unset multiplot
	GNUPLOT
}

# --- conductances -------------------------------------------------------------------------

viridis='set palette defined (0 "#440154", 1 "#472c7a", 2 "#3b518b", 3 "#2c718e", 4 "#21908d", \
5 "#27ad81", 6 "#5cc863", 7 "#aadc32", 8 "#fde725")'

# The array as it is, a column per neuron, and again with each neuron folded to an image of its
# inputs; both twice as wide as high for 128 neurons of 64 inputs.
conductance_map()
{
	inputs=$(awk -F, '{ print NF; exit }' "$out/conductance.csv")
	neurons=$(awk 'END { print NR }' "$out/conductance.csv")
	side=8
	across=16
	down=$(((neurons + across - 1) / across))
	awk -F, -v side=$side -v across=$across -v down=$down -v inputs="$inputs" \
		-v array="$scratch/array" -v images="$scratch/images" '
	{
		for (j = 0; j < NF; j++) {
			g[NR - 1, j] = $(j + 1)
			image[(NR - 1) % across * (side + 1) + j % side, \
				int((NR - 1) / across) * (side + 1) + int(j / side)] = $(j + 1)
		}
	}
	END {
		for (y = 0; y < inputs; y++)
			for (x = 0; x < NR; x++)
				printf "%s%s", g[x, y], x + 1 < NR ? "," : "\n" >array
		for (y = 0; y < down * (side + 1) - 1; y++)
			for (x = 0; x < across * (side + 1) - 1; x++)
				printf "%s%s", (x, y) in image ? image[x, y] : "NaN", \
					x + 2 < across * (side + 1) ? "," : "\n" >images
	}' "$out/conductance.csv"
	draw conductance 900 880 <<-GNUPLOT
	$style
	$viridis
	unset grid
	set border 0
	set datafile separator ','
	stats '$scratch/array' matrix using 3 nooutput name 'G'
	set cbrange [G_mean - 3 * G_stddev:G_mean + 3 * G_stddev]
	set cblabel 'conductance, nS' offset -0.3
	set multiplot
	unset colorbox
	set tics out scale 0.4
	set cbtics offset -0.6
	set lmargin at screen 0.08
	set rmargin at screen 0.88
	set bmargin at screen 0.555
	set tmargin at screen 0.955
	set xrange [-0.5:$neurons - 0.5]
	set yrange [$inputs - 0.5:-0.5]
	set title 'First layer as it lies in the crossbar'
	set xlabel 'neuron'
	set ylabel 'input (pixel)'
	plot '$scratch/array' matrix with image notitle
	set bmargin at screen 0.03
	set tmargin at screen 0.43
	set xrange [-0.5:$across * ($side + 1) - 1.5]
	set yrange [$down * ($side + 1) - 1.5:-0.5]
	set title 'The same, each neuron as the $side x $side pixels it looks at'
	unset xlabel
	unset ylabel
	unset xtics
	unset ytics
	set colorbox user origin 0.9,0.03 size 0.02,0.925
	plot '$scratch/images' matrix with image notitle
	unset multiplot
	GNUPLOT
}

# --- digits -------------------------------------------------------------------------------

# The first 50 held-out digits in five rows, "column row index label answer"; below, with a gap,
# up to ten further mistakes.
choose_digits()
{
	awk -F, 'NR == 1 { next }
	shown < 50 { print shown % 10, int(shown / 10), $1, $2, $3; shown++; next }
	$2 != $3 && wrong < 10 { print wrong++, 5.4, $1, $2, $3 }' "$out/predictions.csv"
}

digit_grid()
{
	choose_digits >"$scratch/chosen"
	rows=$(awk '$2 > 5 { more = 1 } END { print more ? 6.4 : 5 }' "$scratch/chosen")
	# A digit takes 11 x 13 units, 8 x 8 of them its pixels.
	gzip -cdf "$digits" | awk -F, -v chosen="$scratch/chosen" -v rows="$rows" '
	BEGIN {
		while ((getline line <chosen) > 0) {
			split(line, f, " ")
			x[f[3]] = f[1] * 11
			y[f[3]] = int(f[2] * 13)
		}
	}
	(NR - 1) in x {
		for (j = 0; j < 64; j++)
			g[x[NR - 1] + j % 8, y[NR - 1] + int(j / 8)] = $(j + 1)
	}
	END {
		for (b = 0; b < rows * 13; b++)
			for (a = 0; a < 108; a++)
				printf "%d%s", g[a, b], a < 107 ? " " : "\n"
	}' >"$scratch/pixels"
	awk -v right="$scratch/right" -v wrong="$scratch/wrong" '
	BEGIN { printf "" >right; printf "" >wrong }
	$4 == $5 { print $1 * 11 + 3.5, int($2 * 13) + 9.4, $5 >right }
	$4 != $5 { print $1 * 11 + 3.5, int($2 * 13) + 9.6, "\"" $5 " (is " $4 ")\"" >wrong }
	' "$scratch/chosen"
	share=$(awk -F, 'NR > 1 { n++; right += $2 == $3 }
		END { printf "%d of %d held-out digits answered right (%.1f %%); mistakes are red", right, n,
		100 * right / n }' "$out/predictions.csv")
	mistakes=
	[ "$rows" = 5 ] || mistakes="set label 1 'further mistakes' at -1.4,67.4 front \
textcolor rgb '#c1121f' font '$font,10'"
	height=$(awk -v r="$rows" 'BEGIN { print int(60 + 101 * r) }')
	draw digits 900 "$height" <<-GNUPLOT
	set encoding utf8
	set border 0
	unset tics
	unset key
	unset colorbox
	set palette gray negative
	set cbrange [0:16]
	set title '$share'
	set size ratio -1
	set lmargin at screen 0.02
	set rmargin at screen 0.98
	set bmargin at screen 0.01
	set tmargin at screen 1 - 46.0 / $height
	set xrange [-2:109]
	set yrange [$rows * 13 - 1:-2]
	$mistakes
	plot '$scratch/pixels' matrix with image, \
		'$scratch/right' using 1:2:3 with labels font '$font,11' textcolor rgb '#1b7f3b', \
		'$scratch/wrong' using 1:2:3 with labels font '$font,11' textcolor rgb '#c1121f', \
		'' using 1:(column(2) - 6.1):(column(1) - 4.6):(column(1) + 4.6):(column(2) - 10.7):(column(2) - 1.5) \
			with boxxyerror fill empty lw 2 lc rgb '#c1121f'
	GNUPLOT
}

curves
conductance_map
digit_grid
