"""Geometry of bent paper and lenses: what is projected is found again, and paper does not stretch."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from aigaq.simulator.count.camera import Camera
from aigaq.simulator.count.paper import Bend, Bump, Fold, Pose, Surface, outline

CAMERA = Camera((0.0, 540.0, 980.0), (0.0, 255.0, 150.0), 1670.0, 1920, 1080)
SHEET = np.stack(np.meshgrid(np.linspace(-105, 105, 9), np.linspace(-148, 148, 11)), axis=-1)
near = st.floats(-0.45, 0.45)


def pose(yaw=0.0, pitch=0.0):
    right = np.array([np.cos(yaw), 0.0, np.sin(yaw)])
    down = np.array([0.0, -np.cos(pitch), np.sin(pitch)])
    down = down - (down @ right) * right
    return Pose(np.array([0.0, 300.0, 150.0]), right, down / np.linalg.norm(down))


@st.composite
def surfaces(draw):
    small = st.floats(-0.0012, 0.0012)
    folds = st.builds(Fold, st.floats(-20, 20), st.floats(-0.2, 0.2))
    bends = (
        Bend(0.0, draw(small), folds=(draw(folds),)),
        Bend(np.pi / 2, draw(small), folds=(draw(folds),)),
        Bend(draw(st.floats(0, 3.1)), 0.0, draw(st.floats(-0.1, 0.1))),
    )
    bumps = tuple(draw(st.lists(st.builds(Bump, *3 * [st.floats(30, 60)], st.floats(-3, 3)), max_size=2)))
    return Surface(pose(draw(near), draw(near)), bends, bumps)


@given(st.tuples(st.floats(0, 1919), st.floats(0, 1079)), st.floats(200, 4000))
def test_a_ray_leads_back_to_its_pixel(pixel, far):
    ray = CAMERA.rays(np.array(pixel))
    point = np.array(CAMERA.eye) + far * ray
    assert np.abs(CAMERA.project(point) - pixel).max() < 0.01


@given(surfaces())
def test_the_sheet_is_found_under_its_own_pixels(surface):
    normals, points = surface.normals(SHEET), surface.points(SHEET)
    look = np.array(CAMERA.eye) - points
    cosine = (normals * look).sum(axis=-1) / np.linalg.norm(look, axis=-1)
    assume(cosine.min() > 0.35)
    found = surface.under(CAMERA, CAMERA.project(points))
    assert np.abs(found - SHEET).max() < 0.3


@given(st.floats(-0.003, 0.003), st.floats(0, np.pi))
def test_a_rolled_sheet_keeps_its_lengths(curl, direction):
    surface = Surface(pose(), (Bend(direction, curl),))
    points = surface.points(SHEET)
    for axis in (0, 1):
        steps = np.linalg.norm(np.diff(points, axis=axis), axis=-1)
        flat = np.linalg.norm(np.diff(SHEET, axis=axis), axis=-1)
        assert np.abs(steps / flat - 1).max() < 0.01


@given(surfaces(), st.floats(-100, 100), st.floats(-140, 140))
def test_normals_stand_on_the_paper(surface, a, b):
    at = np.array([a, b])
    normal = surface.normals(at)
    for step in ((0.5, 0.0), (0.0, 0.5)):
        along = surface.points(at + step) - surface.points(at - step)
        assert abs(float(along @ normal)) / float(np.linalg.norm(along)) < 0.05
    assert abs(float(np.linalg.norm(normal)) - 1) < 1e-9


def test_an_outline_goes_once_around():
    edge = outline((210.0, 297.0), steps=5)
    assert len(edge) == 20
    assert edge[0].tolist() == [-105.0, -148.5]
    assert np.abs(edge).max(axis=0).tolist() == [105.0, 148.5]
    turns = np.cross(np.pad(edge, ((0, 0), (0, 1))), np.pad(np.roll(edge, -1, axis=0), ((0, 0), (0, 1))))[:, 2]
    assert (turns > 0).all()
